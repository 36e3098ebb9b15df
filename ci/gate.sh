#!/usr/bin/env bash
# Judges the newest run and leaves the files that a CI shows: for GitHub, GitLab and anything with a shell.
# Takes SUITE, and if they are set BENCH, BASELINE, POLICY_FROM, OUTPUT and EDGEBENCH_RESULTS. On GitHub it never fails
# by itself but sets the outputs `verdict` and `code`, so that the comment is written first; elsewhere it exits with
# the code of `bench gate`.
set -euo pipefail

output="${OUTPUT:-gate}"
mkdir -p "$output"
arguments=(gate --suite "$SUITE" --junit "$output/junit.xml" --summary "$output/summary.md"
  --comment "$output/comment.md" --json "$output/gate.json" --bencher "$output/bencher.json"
  --smaller-is-better "$output/smaller-is-better.json")
if [ -n "${BASELINE:-}" ]; then arguments+=("--baseline=$BASELINE"); fi
if [ -n "${POLICY_FROM:-}" ]; then arguments+=("--policy-from=$POLICY_FROM"); fi

code=0
"${BENCH:-bench}" "${arguments[@]}" || code=$?
if [ -z "${GITHUB_OUTPUT:-}" ]; then exit "$code"; fi

verdict=$(sed -n 's/^  "verdict": "\([A-Z]*\)",\{0,1\}$/\1/p' "$output/gate.json" 2>/dev/null || true)
{ echo "verdict=${verdict:-none}"; echo "code=$code"; } >> "$GITHUB_OUTPUT"
if [ -f "$output/summary.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$output/summary.md" >> "$GITHUB_STEP_SUMMARY"; fi
if [ -f "$output/gate.json" ]; then "${BENCH:-bench}" "${arguments[@]}" --format annotations || true; fi
