package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

const podText = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-%d","labels":{"app":"load","n":"%d"}},` +
	`"spec":{"containers":[{"name":"main","image":"registry.example/app:1","command":["sleep","1000"],` +
	`"env":[{"name":"NUMBER","value":"%d"}],"resources":{"requests":{"cpu":"10m","memory":"16Mi"}}}]}}`

func collection(plural string) string {
	return "/api/v1/namespaces/" + *namespace + "/" + plural
}

// figures of many requests: how many there were in a second, and milliseconds a request.
type figures struct {
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	Bytes     int64   `json:"bytes"`
}

// ask sends one request, reads all of its answer and returns how long that was.
func ask(client *http.Client, method, path string, body []byte) (int64, error) {
	request, err := http.NewRequest(method, *url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		if method == http.MethodPatch {
			request.Header.Set("Content-Type", "application/merge-patch+json")
		}
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		text, _ := io.ReadAll(answer.Body)
		return 0, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return io.Copy(io.Discard, answer.Body)
}

// measure calls one from so many goroutines as there are clients, until it says that there is no more.
func measure(one func(client *http.Client) (size int64, more bool, err error)) (any, error) {
	client, err := newClient(*clients)
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	var all []time.Duration
	var last int64
	var failed error
	var lock sync.Mutex
	var group sync.WaitGroup
	started := time.Now()
	for range *clients {
		group.Go(func() {
			var mine []time.Duration
			for {
				before := time.Now()
				size, more, err := one(client)
				if !more && err == nil {
					break
				}
				mine = append(mine, time.Since(before))
				lock.Lock()
				last = max(last, size)
				if err != nil {
					failed = err
				}
				stop := failed != nil
				lock.Unlock()
				if stop {
					break
				}
			}
			lock.Lock()
			all = append(all, mine...)
			lock.Unlock()
		})
	}
	group.Wait()
	took := time.Since(started)
	return figures{float64(len(all)) / took.Seconds(), quantile(all, 0.5), quantile(all, 0.99), last}, failed
}

func quantile(all []time.Duration, share float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
}

func create() (any, error) {
	var next atomic.Int64
	return measure(func(client *http.Client) (int64, bool, error) {
		number := next.Add(1) - 1
		if number >= int64(*pods) {
			return 0, false, nil
		}
		name := number + int64(*first)
		size, err := ask(client, http.MethodPost, collection("pods"), fmt.Appendf(nil, podText, name, name, name))
		return size, true, err
	})
}

func get() (any, error) {
	end := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	return measure(func(client *http.Client) (int64, bool, error) {
		if time.Now().After(end) {
			return 0, false, nil
		}
		number := *first + rand.IntN(*pods)
		size, err := ask(client, http.MethodGet, fmt.Sprintf("%s/pod-%d", collection("pods"), number), nil)
		return size, true, err
	})
}

func list() (any, error) {
	end := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	path := "/api/v1/pods"
	if *page > 0 {
		path = fmt.Sprintf("%s?limit=%d", path, *page)
	}
	return measure(func(client *http.Client) (int64, bool, error) {
		if time.Now().After(end) {
			return 0, false, nil
		}
		size, err := ask(client, http.MethodGet, path, nil)
		return size, true, err
	})
}

func deleteAll() (any, error) {
	client, err := newClient(1)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	_, err = ask(client, http.MethodDelete, collection("pods"), []byte(`{"gracePeriodSeconds":0}`))
	took := time.Since(started)
	return figures{PerSecond: float64(*pods) / took.Seconds(), P50: took.Seconds() * 1000, P99: took.Seconds() * 1000}, err
}
