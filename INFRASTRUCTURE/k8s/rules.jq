# What manifests have to agree with beyond their schemas. Input: an overlay's objects as the API server has taken them; what the services'
# contracts say that they call; the names and keys of the local secrets. Output: a line for each thing that is wrong.
.[0].items as $objects | .[1].uses as $uses | .[2].secrets as $secrets
| def of($kind): $objects[] | select(.kind == $kind);
  def named($kind; $name): of($kind) | select(.metadata.name == $name);
  def workloads: of("Deployment"), of("StatefulSet");
  def file: .metadata.annotations["config.kubernetes.io/origin"] | capture("path: (?<path>.*)").path | ltrimstr($root);
  def wrong($reason): "\(file): \(.kind)/\(.metadata.name): \($reason)";
  # What is there and what should be, as sets.
  def must_be($what; $should; $is): select($is != $should)
    | wrong("\($what): too much [\($is - $should | join(" "))], missing [\($should - $is | join(" "))]");
  def callers($app): [$uses[] | select(.calls | index($app)) | .app] | unique;
  def scoped($kind; $app): of($kind) | select(.scopes | index($app));

  ($uses[].app | select(. as $app | [named("Deployment"; $app)] == []) | "\(.) has no Deployment"),

  (of("Deployment") | (.spec.template.metadata.annotations | keys[] | select(startswith("dapr.io/"))) as $annotation
    | select($known[0] | index($annotation) | not) | wrong("Dapr knows no annotation \($annotation)")),

  # Components refer to variables of the sidecar.
  (of("Deployment") | .metadata.name as $app | (scoped("Component"; $app).spec.metadata[].envRef // empty) as $variable
    | select(.spec.template.metadata.annotations["dapr.io/env"] | test("(^|,)\($variable)=") | not)
    | wrong("dapr.io/env lacks \($variable), to which a component refers")),

  # Who calls whom: by certificate, and in the network.
  (of("Configuration") | must_be("accessControl"; callers(.metadata.name); [.spec.accessControl.policies[]?.appId] | unique)),
  ($uses[].app as $app | callers($app) as $callers | select($callers != [])
    | [named("NetworkPolicy"; "to-\($app)")] | if . == [] then "no NetworkPolicy to-\($app)" else .[0]
      | must_be("from"; $callers; [.spec.ingress[].from[].podSelector.matchExpressions[].values[]] | unique) end),

  # A sidecar may read what its Configuration allows and the secrets of its components.
  ($uses[].app as $app | named("Role"; $app) | must_be("secrets";
    [named("Configuration"; $app).spec.secrets.scopes[].allowedSecrets[], (scoped("Component"; $app).spec.metadata[].secretKeyRef.name // empty)] | unique;
    [.rules[].resourceNames[]?] | unique)),

  # Each secret that a workload names is made.
  (workloads | (
      (.spec.template.spec.containers[].env[]?.valueFrom.secretKeyRef // empty | [.name, .key]),
      (.spec.template.spec.volumes[]?.secret.secretName // empty | [., null]),
      (.spec.template.metadata.annotations // {} | to_entries[] | select(.key | test("token-secret$")) | [.value, "token"])
    ) as [$name, $key]
    | select([$secrets[] | select(.name == $name and ($key == null or (.keys | index($key))))] == [])
    | wrong("nobody makes a secret \($name)\(if $key then " with a key \($key)" else "" end)"))
