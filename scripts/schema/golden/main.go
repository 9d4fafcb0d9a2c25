// Command golden writes what the real Go types of Kubernetes make of the cases in tests/objects/golden, beside them:
//
//	protobuf/NAME.json  a manifest                       -> NAME.pb and NAME.typed.json
//	typing.json         [kind, body]                     -> the typed object, or the errors
//	strategic.json      [apiVersion/Kind, object, patch] -> the patched object, or the error
//	selectors.json      label selector text              -> its canonical text, or the error
//	quantities.json     quantity text                    -> its canonical text, or the error
//
// Run by hand: cd scripts/schema && go run ./golden ../../tests/objects/golden
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

var scheme = runtime.NewScheme()

// answer is what upstream says to one case.
type answer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
	Strict []string        `json:"strict,omitempty"`
}

func main() {
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, authenticationv1.AddToScheme, coordinationv1.AddToScheme, corev1.AddToScheme,
		extensionsv1beta1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, metav1.AddMetaToScheme,
	} {
		must(add(scheme))
	}
	metav1.AddToGroupVersion(scheme, corev1.SchemeGroupVersion)
	must(os.Chdir(os.Args[1]))
	manifests()
	cases("typing.json", typing)
	cases("strategic.json", strategic)
	cases("selectors.json", selector)
	cases("quantities.json", quantity)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func manifests() {
	paths, err := filepath.Glob("protobuf/*.json")
	must(err)
	text := serializer(false)
	binary := protobuf.NewSerializer(scheme, scheme)
	for _, path := range paths {
		if strings.HasSuffix(path, ".typed.json") {
			continue
		}
		body, err := os.ReadFile(path)
		must(err)
		object, _, err := text.Decode(body, nil, nil)
		must(err)
		var message, typed bytes.Buffer
		must(binary.Encode(object, &message))
		must(text.Encode(object, &typed))
		base := strings.TrimSuffix(path, ".json")
		must(os.WriteFile(base+".pb", message.Bytes(), 0o644))
		must(os.WriteFile(base+".typed.json", indented(typed.Bytes()), 0o644))
	}
}

func serializer(strict bool) *kjson.Serializer {
	return kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme, scheme, kjson.SerializerOptions{Strict: strict})
}

// cases reads {"name": {"in": ..., "out": ...}} and writes it back with every "out" filled in.
func cases(path string, ask func([]string) answer) {
	body, err := os.ReadFile(path)
	must(err)
	var table []struct {
		In  []json.RawMessage `json:"in"`
		Out answer            `json:"out"`
	}
	must(json.Unmarshal(body, &table))
	for i := range table {
		var in []string
		for _, raw := range table[i].In {
			var text string
			if json.Unmarshal(raw, &text) != nil {
				text = string(raw)
			}
			in = append(in, text)
		}
		table[i].Out = ask(in)
	}
	var out bytes.Buffer
	out.WriteString("[\n")
	for i, row := range table {
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		must(encoder.Encode(row))
		out.Write(bytes.TrimSpace(line.Bytes()))
		if i < len(table)-1 {
			out.WriteString(",")
		}
		out.WriteString("\n")
	}
	out.WriteString("]\n")
	must(os.WriteFile(path, out.Bytes(), 0o644))
}

func indented(body []byte) []byte {
	var out bytes.Buffer
	must(json.Indent(&out, body, "", "  "))
	return out.Bytes()
}

func failed(err error) answer { return answer{Error: err.Error()} }

func typing(in []string) answer {
	object, _, err := serializer(true).Decode([]byte(in[0]), nil, nil)
	result := answer{}
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		for _, one := range strict.Errors() {
			result.Strict = append(result.Strict, one.Error())
		}
	} else if err != nil {
		return failed(err)
	}
	var typed bytes.Buffer
	must(serializer(false).Encode(object, &typed))
	result.Result = bytes.TrimSpace(typed.Bytes())
	return result
}

func strategic(in []string) answer {
	apiVersion, kind, ok := strings.Cut(in[0], " ")
	if !ok {
		must(errors.New(in[0]))
	}
	object, err := scheme.New(schema.FromAPIVersionAndKind(apiVersion, kind))
	must(err)
	patched, err := strategicpatch.StrategicMergePatch([]byte(in[1]), []byte(in[2]), object)
	if err != nil {
		return failed(err)
	}
	// The server decodes what it merged, which drops nulls and stray directives: do the same.
	must(json.Unmarshal(patched, object))
	typed, err := json.Marshal(object)
	must(err)
	return answer{Result: typed}
}

func selector(in []string) answer {
	parsed, err := labels.Parse(in[0])
	if err != nil {
		return failed(err)
	}
	return answer{Result: quoted(parsed.String())}
}

func quantity(in []string) answer {
	parsed, err := resource.ParseQuantity(in[0])
	if err != nil {
		return failed(err)
	}
	return answer{Result: quoted(parsed.String())}
}

func quoted(text string) json.RawMessage {
	body, err := json.Marshal(text)
	must(err)
	return body
}
