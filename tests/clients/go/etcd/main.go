// Command etcd is what kube-apiserver keeps its objects in, of the version it is made for: its published module, started.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
