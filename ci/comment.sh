#!/usr/bin/env bash
# Writes the text of a file into the one comment of a pull request that carries its mark: changes it where it is there
# already. Takes the file; GH_TOKEN, GITHUB_REPOSITORY and NUMBER (of the pull request) from the environment.
set -euo pipefail

file="$1"
api="${GITHUB_API_URL:-https://api.github.com}/repos/$GITHUB_REPOSITORY/issues"
[ -f "$file" ] || { echo "comment.sh: there is no $file: the gate had nothing to say" >&2; exit 0; }
mark=$(head -n 1 "$file")
[[ "$mark" =~ ^\<!--\ edgebench-gate:[A-Za-z0-9._]*\ --\>$ ]] || { echo "comment.sh: $file has no mark" >&2; exit 2; }

# The token goes through a pipe: a command line is for everybody on the machine to read.
request() {
  curl --silent --show-error --fail --max-time 60 --header @<(printf 'Authorization: Bearer %s\n' "$GH_TOKEN") \
    --header "Accept: application/vnd.github+json" "$@"
}

comment=""
for page in 1 2 3 4 5 6 7 8 9 10; do
  comments=$(request "$api/$NUMBER/comments?per_page=100&page=$page")
  comment=$(jq --raw-output --arg mark "$mark" 'map(select(.body | startswith($mark))) | first | .id // empty' <<< "$comments")
  if [ -n "$comment" ] || [ "$(jq length <<< "$comments")" -lt 100 ]; then break; fi
done
if [ -n "$comment" ]; then place=(--request PATCH "$api/comments/$comment"); else place=(--request POST "$api/$NUMBER/comments"); fi
jq --raw-input --slurp '{ body: . }' "$file" | request "${place[@]}" --data @- > /dev/null
