#!/usr/bin/env bash
# Everything that needs a CUDA card, in one call of less than 8 minutes: the tests on the card, then prefill and decode of models with
# random weights, beside the card's measured copy bandwidth. Prints Markdown for perf/results/<card>/.
#   ./gpu.sh
# Settings by environment:
#   DEVICE (cuda:0)  SHAPES ("tinyllama-1.1b llama-8b")  TYPES ("Q4_0-pure Q8_0 F16")  REPETITIONS (3)
#   LIMIT (450): seconds for all; a measurement that would start later is left out, and said so.
set -euo pipefail
cd "$(dirname "$0")/.."
device=${DEVICE:-cuda:0} shapes=${SHAPES:-tinyllama-1.1b llama-8b} types=${TYPES:-Q4_0-pure Q8_0 F16} repetitions=${REPETITIONS:-3} limit=${LIMIT:-450}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
left() { echo $((limit - SECONDS)); }

for project in hosts/NativeSplit.Host perf/NativeSplit.ModelMaker tests/NativeSplit.Kernels.Ilgpu.Tests tests/NativeSplit.Engine.Ilgpu.Tests; do
    dotnet build "$project" -c Release --nologo -v quiet >&2
done
nativesplit="dotnet hosts/NativeSplit.Host/bin/Release/net10.0/nativesplit.dll"
maker="dotnet perf/NativeSplit.ModelMaker/bin/Release/net10.0/NativeSplit.ModelMaker.dll"

$nativesplit devices
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv 2>/dev/null || true
echo "commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"

failed=0
for tests in Kernels.Ilgpu Engine.Ilgpu; do
    timeout "$(left)" dotnet "tests/NativeSplit.$tests.Tests/bin/Release/net10.0/NativeSplit.$tests.Tests.dll" -noColor -noLogo || failed=1
done

for shape in $shapes; do
    for type in $types; do
        if [ "$(left)" -lt 60 ]; then
            echo "left out: $shape $type (the time was up)"
            continue
        fi
        $maker --shape "$shape" --type "$type" --out "$work/model.gguf" >&2
        timeout "$(left)" $nativesplit bench --model "$work/model.gguf" --device "$device" --pp 128,512 --tg 32 --repetitions "$repetitions" --markdown || failed=1
        rm -f "$work/model.gguf"
    done
done
exit $failed
