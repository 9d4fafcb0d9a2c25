// Command programs is what people write in Go against a cluster, each as a subcommand that ends when its stdin does:
// an informer, one of several by leader election, server-side apply, and a manager by controller-runtime.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

var programs = map[string]func(context.Context, *rest.Config, kubernetes.Interface) error{
	"informer": informer,
	"leader":   leader,
	"apply":    applying,
	"manager":  manager,
}

func main() {
	if err := run(); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

func run() error {
	program, known := programs[os.Args[1]]
	if !known {
		return fmt.Errorf("no program %q", os.Args[1])
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return program(ctx, config, client)
}
