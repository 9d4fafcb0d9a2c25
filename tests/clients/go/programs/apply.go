package main

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// applying applies a ConfigMap as two managers, extracts what the first one owns, and forces the second's will.
func applying(ctx context.Context, _ *rest.Config, client kubernetes.Interface) error {
	maps := client.CoreV1().ConfigMaps("default")
	wanted := func(value string) *corev1.ConfigMapApplyConfiguration {
		return corev1.ConfigMap("by-go", "default").WithData(map[string]string{"a": value})
	}
	made, err := maps.Apply(ctx, wanted("1"), metav1.ApplyOptions{FieldManager: "first"})
	if err != nil {
		return err
	}
	fmt.Println("applied", made.Data["a"])
	mine, err := corev1.ExtractConfigMap(made, "first")
	if err != nil {
		return err
	}
	fmt.Println("mine", mine.Data["a"])
	if _, err = maps.Apply(ctx, wanted("2"), metav1.ApplyOptions{FieldManager: "second"}); errors.IsConflict(err) {
		fmt.Println("conflict", err)
	}
	made, err = maps.Apply(ctx, wanted("2"), metav1.ApplyOptions{FieldManager: "second", Force: true})
	if err != nil {
		return err
	}
	fmt.Println("forced", made.Data["a"])
	return nil
}
