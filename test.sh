#!/usr/bin/env bash
# Builds everything and runs every test. Needs the .NET 10 SDK; anything else a test wants is looked for, and the test
# says "skipped: reason" when it isn't there.
#   ./test.sh                 all tests
#   ./test.sh Kernels Model   the tests of these projects
set -euo pipefail
cd "$(dirname "$0")"
configuration=${CONFIGURATION:-Release}

if [ $# -eq 0 ]; then
    set -- $(ls -d tests/NativeSplit.*.Tests | sed 's#tests/NativeSplit\.##; s#\.Tests$##')
fi

# Device tests run on PoCL, an OpenCL driver for the processor. Without it they are skipped and say so, as when this fails.
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && ! ldconfig -p | grep -q 'libOpenCL\.so\.1'; then
    packages="pocl-opencl-icd ocl-icd-libopencl1"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    timeout 120 sh -c "apt-get install -y -qq --no-install-recommends $packages || { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; }" \
        >/dev/null 2>&1 || echo "PoCL couldn't be installed; tests on OpenCL devices are skipped."
fi

dotnet build NativeSplit.sln -c "$configuration" --nologo -v quiet

passed=0 failed=0 skipped=0 broken=()
for room in "$@"; do
    project=tests/NativeSplit.$room.Tests
    log=$(mktemp)
    # One project after the other: tests that count bytes or threads want the machine to themselves.
    if ! dotnet "$project/bin/$configuration/net10.0/NativeSplit.$room.Tests.dll" -noColor -noLogo >"$log" 2>&1; then
        broken+=("$room")
    fi
    grep -vE '^  (Discover|Start|Finish)|EXECUTION SUMMARY' "$log" || true
    summary=$(grep -E 'Total: [0-9]+, Errors: ' "$log" | tail -n 1)
    count() { sed -nE "s/.*$1: ([0-9]+).*/\1/p" <<<"$summary"; }
    total=$(count Total) errors=$(count Errors) failures=$(count Failed) skips=$(count Skipped)
    if [ "${total:-0}" -eq 0 ]; then
        broken+=("$room (no test ran)")
    fi
    failed=$((failed + ${failures:-0} + ${errors:-0}))
    skipped=$((skipped + ${skips:-0}))
    passed=$((passed + ${total:-0} - ${failures:-0} - ${skips:-0}))
    rm -f "$log"
done

echo
[ ${#broken[@]} -eq 0 ] || echo "Not passed: ${broken[*]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ ${#broken[@]} -eq 0 ]
