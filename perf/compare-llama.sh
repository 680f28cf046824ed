#!/usr/bin/env bash
# Runs nativesplit and llama.cpp's llama-bench in turn on one model file, and prints the ratio pair by pair: ours / theirs, above 1 is faster.
# In turn, since a machine drifts: the two halves of a pair see nearly the same one.
#   LLAMA_BENCH="llama-bench" ./compare-llama.sh model.gguf
# Settings by environment:
#   LLAMA_BENCH  command that runs llama-bench (any build of llama.cpp); words are split at blanks
#   LLAMA_MODEL  the file as that command sees it, when it runs in another root (default: the same path)
#   NATIVESPLIT  command that runs nativesplit (default: the Release build of this tree)
#   CPU_TIME=1   for a machine that others use: tokens per second of processor time, with one thread, instead of best wall-clock rates.
#                Waiting for a processor isn't counted; several threads would be, since they spin while they wait for one another.
#   THREADS (2), PP (512), TG (128), PAIRS (3), REPETITIONS in each half of a pair (2), KERNELS (ours; default: the fastest)
set -euo pipefail
model=${1:?usage: LLAMA_BENCH=command compare-llama.sh MODEL.gguf}
model=$(realpath -s "$model")
cd "$(dirname "$0")/.."
if [ -z "${LLAMA_BENCH:-}" ]; then
    echo "LLAMA_BENCH names no llama-bench. Any build of llama.cpp has one: a package of your system (Debian: llama.cpp-tools)," >&2
    echo "a release of ggml-org/llama.cpp, or 'cmake -B build && cmake --build build --target llama-bench' in its sources. Then:" >&2
    echo "  LLAMA_BENCH=/path/to/llama-bench $0 $model" >&2
    exit 2
fi
threads=${THREADS:-2} pp=${PP:-512} tg=${TG:-128} pairs=${PAIRS:-3} repetitions=${REPETITIONS:-2}
[ -z "${CPU_TIME:-}" ] || threads=1
host=hosts/NativeSplit.Host
if [ -z "${NATIVESPLIT:-}" ]; then
    dotnet build "$host" -c Release --nologo -v quiet >&2
    NATIVESPLIT="dotnet $host/bin/Release/net10.0/nativesplit.dll"
fi

# The best of the runs on both sides: another program's turn on the processor is neither's fault, and hits spinning threads hardest.
# Ours: Markdown table; the row is found by the test's name, the figure by its column's.
best_of_ours() { # TEST
    awk -F'|' -v test="$1" '
        function trim(text) { gsub(/^ +| +$/, "", text); return text }
        /^\|/ && !best { for (i = 1; i <= NF; i++) { if (trim($i) == "best t/s") best = i; if (trim($i) == "test") at = i } next }
        /^\|/ && trim($at) == test { print trim($best); exit }'
}
# Theirs: one line of JSON for each test, with the rates of all runs in samples_ts.
best_of_theirs() { # PROMPT_TOKENS GENERATED_TOKENS
    grep -E "\"n_prompt\": $1,.*\"n_gen\": $2," | sed -nE 's/.*"samples_ts": \[ *([^]]*)\].*/\1/p' | tr ', ' '\n\n' | sort -g | tail -n 1
}

ours() { # PROMPT_TOKENS GENERATED_TOKENS REPETITIONS
    $NATIVESPLIT bench --model "$model" --pp "$1" --tg "$2" --threads "$threads" --repetitions "$3" ${KERNELS:+--kernels "$KERNELS"} --markdown
}
theirs() { # PROMPT_TOKENS GENERATED_TOKENS REPETITIONS
    $LLAMA_BENCH -m "${LLAMA_MODEL:-$model}" -t "$threads" -p "$1" -n "$2" -r "$3" -o jsonl 2>/dev/null
}

# Tokens per second of processor time. Two more runs cost the difference of two calls; start, load and warm-up cancel out.
cpu_seconds() {
    local TIMEFORMAT='%U %S'
    { time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print $1 + $2 }'
}
rate_by_cpu() { # ours|theirs PROMPT_TOKENS GENERATED_TOKENS
    awk -v one="$(cpu_seconds "$1" "$2" "$3" 1)" -v three="$(cpu_seconds "$1" "$2" "$3" 3)" -v n="$(($2 + $3))" \
        'BEGIN { if (three > one) printf "%.2f", 2 * n / (three - one) }'
}

tests=()
[ "$pp" = 0 ] || tests+=("pp$pp")
[ "$tg" = 0 ] || tests+=("tg$tg")
ratios=$(mktemp)
trap 'rm -f "$ratios"' EXIT
how="best of $repetitions runs in each half"
[ -z "${CPU_TIME:-}" ] || how="by processor time"
echo "$(basename "$model"), $threads thread(s), $how, load average $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)"
printf '| %4s | %-8s | %12s | %12s | %6s |\n' pair test "ours t/s" "llama t/s" ratio
echo '| ---: | :------- | -----------: | -----------: | -----: |'
for pair in $(seq "$pairs"); do
    if [ -z "${CPU_TIME:-}" ]; then
        our_table=$(ours "$pp" "$tg" "$repetitions")
        their_lines=$(theirs "$pp" "$tg" "$repetitions")
    fi
    for test in "${tests[@]}"; do
        case $test in pp*) p=$pp t=0 ;; *) p=0 t=$tg ;; esac
        if [ -z "${CPU_TIME:-}" ]; then
            a=$(best_of_ours "$test" <<<"$our_table") b=$(best_of_theirs "$p" "$t" <<<"$their_lines")
        else
            a=$(rate_by_cpu ours "$p" "$t") b=$(rate_by_cpu theirs "$p" "$t")
        fi
        if [ -z "$a" ] || [ -z "$b" ]; then
            echo "No figure for $test from $([ -z "$a" ] && echo nativesplit || echo "$LLAMA_BENCH"); run it by hand to see why." >&2
            exit 1
        fi
        ratio=$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.3f", a / b }')
        echo "$test $ratio" >>"$ratios"
        printf '| %4s | %-8s | %12.2f | %12.2f | %6s |\n' "$pair" "$test" "$a" "$b" "$ratio"
    done
done
for test in "${tests[@]}"; do
    awk -v test="$test" '$1 == test { print $2 }' "$ratios" | sort -n |
        awk -v test="$test" '{ r[NR] = $1 } END { printf "median ratio %s: %.3f (%.3f to %.3f)\n", test, NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2, r[1], r[NR] }'
done
