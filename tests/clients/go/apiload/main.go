// Command apiload asks an API server for as much as it can do and prints what it did as JSON: `scripts/bench api`.
//
// It is plain HTTP/1.1 over TLS with no library in between, so that the same bytes are asked of every server.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

var (
	url       = flag.String("url", "", "the server")
	folder    = flag.String("certificates", "", "where ca.crt, admin.crt and admin.key are")
	namespace = flag.String("namespace", "load", "where it works")
	first     = flag.Int("first", 0, "the number of the first pod")
	pods      = flag.Int("pods", 10000, "how many pods")
	clients   = flag.Int("clients", 1, "how many ask at once")
	seconds   = flag.Float64("seconds", 2, "how long to ask")
	watchers  = flag.Int("watchers", 1000, "how many watch")
	changes   = flag.Int("changes", 50, "how many changes they are told")
	page      = flag.Int("page", 0, "how many objects are listed at a time, of all namespaces; 0 is all of them")
)

var works = map[string]func() (any, error){
	"create": create, "get": get, "list": list, "watch": watch, "delete": deleteAll,
}

func main() {
	flag.Parse()
	work, known := works[flag.Arg(0)]
	if !known {
		fmt.Fprintf(os.Stderr, "nothing is called %q\n", flag.Arg(0))
		os.Exit(2)
	}
	said, err := work()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(said)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// newClient returns a client that keeps as many connections as there are who ask at once.
func newClient(connections int) (*http.Client, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(*folder, "admin.crt"), filepath.Join(*folder, "admin.key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(*folder, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &http.Client{
		Timeout: 2 * time.Minute,
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
			TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2
			MaxIdleConnsPerHost: connections,
			DisableCompression:  true,
		},
	}, nil
}
