{{- /* The modules that run: facts of the manifests, the defaults, and what the values say of each. */ -}}
{{- define "waddlebot.modules" -}}
{{- $running := dict -}}
{{- range $name, $facts := .Files.Get "files/modules.yaml" | fromYaml -}}
{{- $said := get $.Values.modules $name | default dict -}}
{{- $module := mergeOverwrite (deepCopy $.Values.defaults) $facts (deepCopy $said) -}}
{{- if $module.enabled -}}{{- $_ := set $running $name $module -}}{{- end -}}
{{- end -}}
{{- toYaml $running -}}
{{- end -}}

{{- define "waddlebot.image" -}}
{{- $root := index . 0 -}}
{{ $root.Values.image.registry }}waddlebot/{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end -}}

{{- define "waddlebot.labels" -}}
app.kubernetes.io/name: waddlebot
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* What selects the pods of all modules. */ -}}
{{- define "waddlebot.selector" -}}
app.kubernetes.io/name: waddlebot
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "waddlebot.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "waddlebot.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "waddlebot.pull" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end -}}

{{- /* What every pod may reach: name servers and the databases. */ -}}
{{- define "waddlebot.reachable" -}}
- to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- range .Values.networkPolicy.databases }}
- to:
    - ipBlock: {cidr: {{ .cidr }}}
  ports:
    - {protocol: TCP, port: {{ .port }}}
{{- end }}
{{- end -}}
