# Shared by the scripts of this folder: where things are, and how we speak. Sourced, not run.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LOCAL=$ROOT/INFRASTRUCTURE/local
# A second stack, such as that of the tests, sets this and PAYME_PORTS: the first of nine free ports in a row.
export PAYME_HOME=${PAYME_HOME:-$ROOT/.payme}
if [ -n "${PAYME_PORTS:-}" ]; then
  PAYME_PG_PORT=$PAYME_PORTS PAYME_SMTP_PORT=$((PAYME_PORTS + 1)) PAYME_REDIS_PORT=$((PAYME_PORTS + 2))
  PAYME_KAFKA_PORT=$((PAYME_PORTS + 3)) PAYME_NATS_PORT=$((PAYME_PORTS + 5)) PAYME_RABBITMQ_PORT=$((PAYME_PORTS + 6))
fi
export PAYME_PG_PORT=${PAYME_PG_PORT:-5442} PAYME_SMTP_PORT=${PAYME_SMTP_PORT:-1026}
# Kafka talks to itself by the next port too, RabbitMQ by the next two.
export PAYME_REDIS_PORT=${PAYME_REDIS_PORT:-6399} PAYME_KAFKA_PORT=${PAYME_KAFKA_PORT:-9392}
export PAYME_NATS_PORT=${PAYME_NATS_PORT:-4522} PAYME_RABBITMQ_PORT=${PAYME_RABBITMQ_PORT:-5872}
# What the components refer to. All sets' are there at any time, so that a system that runs can move to another.
export PAYME_PG_HOST=127.0.0.1 PAYME_SMTP_HOST=127.0.0.1
export PAYME_REDIS_HOST=127.0.0.1:$PAYME_REDIS_PORT PAYME_KAFKA_HOST=127.0.0.1:$PAYME_KAFKA_PORT
export PAYME_NATS_HOST=127.0.0.1:$PAYME_NATS_PORT PAYME_RABBITMQ_HOST=127.0.0.1:$PAYME_RABBITMQ_PORT

# The component set: what is asked for, else what this stack has, else the default.
SET_OF_STACK=$(cat "$PAYME_HOME/set" 2>/dev/null || echo redis)
export PAYME_SET=${PAYME_SET:-$SET_OF_STACK}
# The parts that a set needs beside PostgreSQL and the mail sink: its broker, and where the state store keeps its entries.
case $PAYME_SET in
  redis) BROKER=redis STORE=redis BROKER_PORT=$PAYME_REDIS_PORT ;;
  kafka) BROKER=kafka STORE=postgres BROKER_PORT=$PAYME_KAFKA_PORT ;;
  nats) BROKER=nats STORE=sqlite BROKER_PORT=$PAYME_NATS_PORT ;;
  rabbitmq) BROKER=rabbitmq STORE=postgres BROKER_PORT=$PAYME_RABBITMQ_PORT ;;
  *) echo "payme: no component set '$PAYME_SET'; there are: redis, kafka, nats, rabbitmq" >&2; exit 1 ;;
esac
# What names one stack and its ports.
STACK_VARIABLES=(PAYME_HOME PAYME_PORTS PAYME_SIDECAR_PORTS PAYME_ELSEWHERE PAYME_{PG,SMTP,REDIS,KAFKA,NATS,RABBITMQ}_PORT PAYME_{PG,SMTP,REDIS,KAFKA,NATS,RABBITMQ}_HOST)

CACHE=${PAYME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/payme}
# One for each checkout: cargo takes the same crate of two checkouts for one, and would call stale what the other has built.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target-$(cksum <<<"$ROOT" | cut -d' ' -f1)}
SECRETS=$PAYME_HOME/secrets
RUN=$PAYME_HOME/run
LOG=$PAYME_HOME/log
# The one list of apps.
RUN_FILE=$ROOT/dapr/dapr.yaml
mapfile -t APPS < <(sed -n 's/^ *- appID: //p' "$RUN_FILE")
# Where the sidecars' HTTP APIs are.
export PAYME_SIDECAR_PORTS=${PAYME_SIDECAR_PORTS:-$(sed -n 's/^ *daprHTTPPort: //p' "$RUN_FILE" | xargs)}
# A role and a database of its own for each; `statestore` is that of the sets whose state is in PostgreSQL.
DATABASES=(auth token_provider user_service account transaction email activity statestore)

say() { echo "payme: $*"; }
die() { echo "payme: $*" >&2; exit 1; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# The process that listens on a port, where we may know it.
holder() { ss -ltnpH "sport = :$1" 2>/dev/null | grep -oE 'pid=[0-9]+' | head -n 1 | cut -d= -f2 || true; }
holder_name() {
  local pid; pid=$(holder "$1")
  if [ -n "$pid" ]; then echo "$(cat "/proc/$pid/comm") (process $pid)"; else echo "another program"; fi
}

# Whether the process of a pid file is there.
alive() { [ -s "$RUN/$1.pid" ] && kill -0 "$(cat "$RUN/$1.pid")" 2>/dev/null; }

# Whether a part of the infrastructure runs, and is this stack's.
ours() { if [ "$1" = postgres ]; then [ -s "$PAYME_HOME/postgres/postmaster.pid" ]; else alive "$1"; fi; }

# wait_until SECONDS COMMAND…: asks every tenth of a second.
wait_until() {
  local limit=$((SECONDS + $1)); shift
  while ! "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$limit" ] || return 1
    sleep 0.1
  done
}

# Ends the process of a pid file by its id, and waits for it.
end() {
  local pid
  if alive "$1"; then
    pid=$(cat "$RUN/$1.pid")
    kill -TERM "$pid" 2>/dev/null || true
    wait_until "${2:-20}" eval "! kill -0 $pid" || kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$RUN/$1.pid"
}

random() { head -c "${1:-24}" /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# Puts daprd where `dapr run` looks for it, with what that has no setting for: two of its ports stay on loopback too, and it is started
# again if it ends by itself after it was well for a while. Elsewhere that is Kubernetes' to do.
place_daprd() {
  local place=$PAYME_HOME/.dapr/bin/daprd daprd
  daprd=$("$ROOT/dapr/toolchain/ensure" daprd)
  mkdir -p "$(dirname "$place")"
  rm -f "$place"
  cat >"$place" <<SH
#!/bin/sh
trap 'told=1; kill -TERM \$pid' TERM INT
while :; do
  began=\$(date +%s)
  "$daprd" "\$@" --dapr-internal-grpc-listen-address=127.0.0.1 --metrics-listen-address=127.0.0.1 &
  pid=\$!
  while kill -0 \$pid 2>/dev/null; do wait \$pid; status=\$?; done
  [ -z "\$told" ] && [ \$((\$(date +%s) - began)) -ge 10 ] || exit \$status
done
SH
  chmod +x "$place"
}
