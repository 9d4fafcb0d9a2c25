// Command types prints, as JSON, what the Go types of the Kubernetes API know about themselves: every served kind, and per
// type its fields with JSON name, type, protobuf number, omission rule and patch strategy.
//
// The Go types are the only complete source: OpenAPI lacks the protobuf numbers and what is left out when empty, the .proto
// files lack which fields are pointers or inlined. Run by scripts/distil-schema, never at run time.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	discoveryv1beta1 "k8s.io/api/discovery/v1beta1"
	eventsv1 "k8s.io/api/events/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

var groups = []func(*runtime.Scheme) error{
	admissionregistrationv1.AddToScheme, apiregistrationv1.AddToScheme, appsv1.AddToScheme, authenticationv1.AddToScheme, authorizationv1.AddToScheme,
	autoscalingv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme, batchv1beta1.AddToScheme,
	certificatesv1.AddToScheme, coordinationv1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme,
	discoveryv1beta1.AddToScheme, eventsv1.AddToScheme, extensionsv1beta1.AddToScheme, flowcontrolv1.AddToScheme, metricsv1beta1.AddToScheme,
	networkingv1.AddToScheme,
	networkingv1beta1.AddToScheme, nodev1.AddToScheme, policyv1.AddToScheme, policyv1beta1.AddToScheme, rbacv1.AddToScheme,
	rbacv1beta1.AddToScheme,
	schedulingv1.AddToScheme, storagev1.AddToScheme, apiextensionsv1.AddToScheme, metav1.AddMetaToScheme,
}

// special types travel in JSON and in protobuf in a way of their own.
var special = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():    "quantity",
	reflect.TypeFor[metav1.Time]():          "time",
	reflect.TypeFor[metav1.MicroTime]():     "microtime",
	reflect.TypeFor[metav1.Duration]():      "string", // in JSON; in protobuf nobody sends one
	reflect.TypeFor[intstr.IntOrString]():   "intorstring",
	reflect.TypeFor[runtime.RawExtension](): "raw",
	reflect.TypeFor[metav1.FieldsV1]():      "fields",

	reflect.TypeFor[apiextensionsv1.JSON]():                         "json",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrArray]():       "schema-or-array",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrBool]():        "schema-or-bool",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrStringArray](): "schema-or-strings",
}

type field struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Go       string `json:"go"`
	Number   int    `json:"number"`
	Pointer  bool   `json:"pointer"`
	Omit     string `json:"omit"` // "", "empty" or "zero"
	Inline   bool   `json:"inline"`
	Strategy string `json:"strategy"`
	MergeKey string `json:"mergeKey"`
}

type typ struct {
	Go     string  `json:"go"`
	Fields []field `json:"fields"`
}

type output struct {
	Kinds map[string]string `json:"kinds"` // group/version/kind -> type
	Types map[string]*typ   `json:"types"`
}

var out = output{Kinds: map[string]string{}, Types: map[string]*typ{}}

func main() {
	scheme := runtime.NewScheme()
	for _, add := range groups {
		must(add(scheme))
	}
	metav1.AddToGroupVersion(scheme, corev1.SchemeGroupVersion)
	for gvk, t := range scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal {
			continue
		}
		out.Kinds[gvk.Group+"/"+gvk.Version+"/"+gvk.Kind] = name(t)
		walk(t)
	}
	for _, t := range []reflect.Type{
		reflect.TypeFor[metav1.APIGroupList](), reflect.TypeFor[metav1.APIResourceList](), reflect.TypeFor[metav1.APIVersions](),
		reflect.TypeFor[metav1.LabelSelector](),
	} {
		walk(t)
	}
	must(json.NewEncoder(os.Stdout).Encode(out))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// name is the type's name in OpenAPI.
func name(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(interface{ OpenAPIModelName() string }); ok {
		return named.OpenAPIModelName()
	}
	path := strings.TrimPrefix(t.PkgPath(), "k8s.io/")
	return "io.k8s." + strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

func walk(t reflect.Type) {
	key := name(t)
	if out.Types[key] != nil {
		return
	}
	entry := &typ{Go: t.String(), Fields: []field{}}
	out.Types[key] = entry
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			entry.Fields = append(entry.Fields, describe(f))
		}
	}
	sort.SliceStable(entry.Fields, func(a, b int) bool { return entry.Fields[a].Inline && !entry.Fields[b].Inline })
}

func describe(f reflect.StructField) field {
	tag := strings.Split(f.Tag.Get("json"), ",")
	result := field{Name: tag[0], Strategy: f.Tag.Get("patchStrategy"), MergeKey: f.Tag.Get("patchMergeKey")}
	for _, option := range tag[1:] {
		switch option {
		case "omitempty":
			if result.Omit == "" {
				result.Omit = "empty"
			}
		case "omitzero":
			result.Omit = "zero"
		case "inline":
			result.Inline = true
		}
	}
	if f.Anonymous && tag[0] == "" {
		result.Inline = true
	}
	if wire := strings.Split(f.Tag.Get("protobuf"), ","); len(wire) > 1 {
		number, err := strconv.Atoi(wire[1])
		must(err)
		result.Number = number
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		result.Pointer = true
		t = t.Elem()
	}
	result.Type, result.Go = expression(t), t.String()
	return result
}

// expression spells a type: a word, "#name" of a struct, "[]" before an element, "map:" before a value, "items:" before the
// element of a list that is a protobuf message of its own.
func expression(t reflect.Type) string {
	if word, ok := special[t]; ok {
		return word
	}
	switch t.Kind() {
	case reflect.Pointer:
		return expression(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Uint32:
		return "int32"
	case reflect.Int64, reflect.Int, reflect.Uint64:
		return "int64"
	case reflect.Float64:
		return "double"
	case reflect.Interface:
		return "any"
	case reflect.Map:
		return "map:" + expression(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		if _, message := reflect.New(t).Interface().(interface{ Marshal() ([]byte, error) }); message {
			return "items:" + expression(t.Elem())
		}
		return "[]" + expression(t.Elem())
	case reflect.Struct:
		walk(t)
		return "#" + name(t)
	}
	must(fmt.Errorf("no rule for the Go type %s", t))
	return ""
}
