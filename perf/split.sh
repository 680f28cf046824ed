#!/usr/bin/env bash
# What splitting costs on one machine: time per output token (TPOT) of a gateway and two workers on loopback, with f32 activations,
# over that of one unsplit process, pair by pair. 1 would be a split for nothing. Both answer the same completion through HTTP,
# so everything a client waits for is in it. TPOT = (time for TOKENS tokens − time for one) / (TOKENS − 1),
# each time the best of REPETITIONS.
#   ./split.sh model.gguf
# Settings by environment:
#   NATIVESPLIT  command that runs nativesplit (default: the Release build of this tree)
#   THREADS of every process (default: all processors; one stream keeps one process at work at a time)
#   TOKENS (33), PAIRS (3), REPETITIONS (3), HTTP_PORT (18431 and the next), LINK_PORT (18440)
set -euo pipefail
model=$(realpath -s "${1:?usage: split.sh MODEL.gguf}")
cd "$(dirname "$0")/.."
threads=${THREADS:-$(nproc)} tokens=${TOKENS:-33} pairs=${PAIRS:-3} repetitions=${REPETITIONS:-3}
unsplit_port=${HTTP_PORT:-18431} split_port=$((${HTTP_PORT:-18431} + 1)) link_port=${LINK_PORT:-18440}
host=hosts/NativeSplit.Host
if [ -z "${NATIVESPLIT:-}" ]; then
    dotnet build "$host" -c Release --nologo -v quiet >&2
    NATIVESPLIT="dotnet $host/bin/Release/net10.0/nativesplit.dll"
fi

work=$(mktemp -d)
children=()
stop() {
    [ ${#children[@]} -eq 0 ] || kill "${children[@]}" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap stop EXIT

start() { # LOG ARGUMENTS…
    local log=$work/$1
    shift
    $NATIVESPLIT "$@" --model "$model" --threads "$threads" >"$log" 2>&1 &
    children+=($!)
}

await() { # LOG TEXT
    for _ in $(seq 600); do
        ! grep -q "$2" "$work/$1" || return 0
        kill -0 "${children[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/$1" >&2
    exit 1
}

# The split of the demo: the first and last eighth at the gateway, the rest in two halves.
layers=$($NATIVESPLIT inspect "$model" --json | sed -nE 's/^ *"layers": ([0-9]+).*/\1/p')
end=$((layers / 8 > 0 ? layers / 8 : 1)) middle=$((layers / 2))
cat >"$work/plan.json" <<PLAN
{"epoch": 1, "segments": [
  {"layers": [0, $end], "node": "gateway"}, {"layers": [$end, $middle], "node": "worker-1"},
  {"layers": [$middle, $((layers - end))], "node": "worker-2"}, {"layers": [$((layers - end)), $layers], "node": "gateway"}]}
PLAN

start unsplit serve --http "127.0.0.1:$unsplit_port"
await unsplit 'Ready:'
start split serve --plan "$work/plan.json" --http "127.0.0.1:$split_port" --listen "127.0.0.1:$link_port"
await split 'worker-2 joins'
for worker in worker-1 worker-2; do
    for _ in $(seq 100); do
        token=$(grep -A1 "^$worker joins" "$work/split" | sed -nE 's/.*--token ([^ ]+).*/\1/p')
        [ -z "$token" ] || break
        sleep 0.1
    done
    start "$worker" worker --gateway "127.0.0.1:$link_port" --token "$token"
done
await split 'Ready:'

name=$(curl -sf "http://127.0.0.1:$unsplit_port/v1/models" | sed -nE 's/.*"id": *"([^"]+)".*/\1/p')
seconds() { # PORT TOKENS
    curl -sf -o "$work/answer.$1" -w '%{time_total}\n' "http://127.0.0.1:$1/v1/completions" -H 'Content-Type: application/json' \
        -d "{\"model\": \"$name\", \"prompt\": \"a road in the rain\", \"max_tokens\": $2, \"temperature\": 0, \"ignore_eos\": true}"
}
best() { # PORT TOKENS
    for _ in $(seq "$repetitions"); do seconds "$1" "$2"; done | sort -n | head -n 1
}
tpot() { # PORT
    awk -v one="$(best "$1" 1)" -v all="$(best "$1" "$tokens")" -v n="$tokens" 'BEGIN { printf "%.3f", 1000 * (all - one) / (n - 1) }'
}

seconds "$unsplit_port" "$tokens" >"$work/warm"
seconds "$split_port" "$tokens" >"$work/warm"
text() { sed -nE 's/.*"text": *"(([^"\\]|\\.)*)".*/\1/p' "$work/answer.$1"; }
[ -n "$(text "$split_port")" ] && [ "$(text "$unsplit_port")" = "$(text "$split_port")" ] && same=equal || same=DIFFERENT

echo "$name, $threads threads in every process, layers [0,$end) [$end,$middle) [$middle,$((layers - end))) [$((layers - end)),$layers), load average $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)"
echo "Texts of both: $same."
printf '| %4s | %15s | %13s | %6s |\n' pair 'unsplit ms/token' 'split ms/token' ratio
echo '| ---: | --------------: | ------------: | -----: |'
for pair in $(seq "$pairs"); do
    a=$(tpot "$unsplit_port") b=$(tpot "$split_port")
    ratio=$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.3f", b / a }')
    echo "$ratio" >>"$work/ratios"
    printf '| %4s | %16s | %14s | %6s |\n' "$pair" "$a" "$b" "$ratio"
done
sort -n "$work/ratios" | awk '{ r[NR] = $1 } END { printf "median ratio split/unsplit: %.3f (%.3f to %.3f)\n", NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2, r[1], r[NR] }'
[ "$same" = equal ]
