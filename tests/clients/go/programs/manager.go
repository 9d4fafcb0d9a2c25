package main

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

const finalizer = "harbour.example/farewell"

// crew gives each ConfigMap labelled crew=yes a Secret of its own and a finalizer, and says goodbye to it.
type crew struct{ client.Client }

func (c crew) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var found corev1.ConfigMap
	if err := c.Get(ctx, request.NamespacedName, &found); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !found.DeletionTimestamp.IsZero() {
		if controllerutil.RemoveFinalizer(&found, finalizer) {
			fmt.Println("goodbye", found.Name)
			return ctrl.Result{}, c.Update(ctx, &found)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(&found, finalizer) {
		if err := c.Update(ctx, &found); err != nil {
			return ctrl.Result{}, err
		}
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: found.Name, Namespace: found.Namespace}}
	done, err := controllerutil.CreateOrUpdate(ctx, c.Client, secret, func() error {
		secret.Data = map[string][]byte{"a": []byte(found.Data["a"])}
		return controllerutil.SetControllerReference(&found, secret, c.Scheme())
	})
	if err == nil && done != controllerutil.OperationResultNone {
		fmt.Println(done, secret.Name)
	}
	return ctrl.Result{}, err
}

// manager runs one controller by controller-runtime, elected by a Lease.
func manager(ctx context.Context, config *rest.Config, _ kubernetes.Interface) error {
	ctrl.SetLogger(logr.Discard())
	made, err := ctrl.NewManager(config, ctrl.Options{
		Metrics:                       server.Options{BindAddress: "0"},
		LeaderElection:                true,
		LeaderElectionID:              "crew.harbour.example",
		LeaderElectionNamespace:       "default",
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return err
	}
	labelled, err := predicate.LabelSelectorPredicate(metav1.LabelSelector{MatchLabels: map[string]string{"crew": "yes"}})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(made).
		For(&corev1.ConfigMap{}).WithEventFilter(labelled).Owns(&corev1.Secret{}).
		Complete(crew{made.GetClient()})
	if err != nil {
		return err
	}
	go func() {
		<-made.Elected()
		fmt.Println("started")
	}()
	return made.Start(ctx)
}
