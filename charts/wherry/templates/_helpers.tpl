{{- define "wherry.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "wherry.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "wherry.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "wherry.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "wherry.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "wherry.controller" -}}
{{- printf "%s-%s" (include "wherry.fullname" .) .Values.controller.name -}}
{{- end -}}

{{- define "wherry.serviceAccount" -}}
{{- default (ternary (include "wherry.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{/* What a component is found by: a list of the root and the component's name. */}}
{{- define "wherry.selector" -}}
app.kubernetes.io/name: {{ include "wherry.name" (index . 0) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "wherry.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{ include "wherry.selector" . }}
app.kubernetes.io/part-of: {{ include "wherry.name" $root }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The image: of the root, and what a component says over it. */}}
{{- define "wherry.image" -}}
{{- $root := index . 0 -}}
{{- $image := mergeOverwrite (deepCopy $root.Values.image) (index . 1 | default dict) -}}
{{- $registry := ternary "" (printf "%s/" $image.registry) (empty $image.registry) -}}
{{- $digest := ternary "" (printf "@%s" $image.digest) (empty $image.digest) -}}
{{- printf "%s%s:%s%s" $registry $image.image (default $root.Chart.AppVersion $image.tag) $digest -}}
{{- end -}}

{{- define "wherry.pullPolicy" -}}
{{- (mergeOverwrite (deepCopy (index . 0).Values.image) (index . 1 | default dict)).pullPolicy -}}
{{- end -}}

{{/* Flags as arguments; one without a value is a switch. */}}
{{- define "wherry.flags" -}}
{{- range $name, $value := . }}
- --{{ $name }}{{ if ne (toString $value) "" }}={{ $value }}{{ end }}
{{- end }}
{{- end -}}
