#!/bin/sh
# Raises the version in .version, vMajor.Minor.Patch.build, and prints it.
#   update-version.sh                    a new build of the same version
#   update-version.sh patch|minor|major  the next version
# The build is the time in seconds since 1970: it needs no counter that branches would have to share, and it
# still grows when two builds fall into one second or a clock was set back.
set -eu
cd "$(dirname "$0")/../.."

read -r version <.version
numbers=$(printf '%s\n' "$version" | sed -n 's/^v\([0-9]*\)\.\([0-9]*\)\.\([0-9]*\)\.\([0-9]*\)$/\1 \2 \3 \4/p')
if [ -z "$numbers" ]; then
    echo ".version says '$version', which is not vMajor.Minor.Patch.build." >&2
    exit 1
fi
# shellcheck disable=SC2086  # four words
set -- "${1:-build}" $numbers
part=$1 major=$2 minor=$3 patch=$4 build=$5

case $part in
    build) ;;
    patch) patch=$((patch + 1)) ;;
    minor) minor=$((minor + 1)) patch=0 ;;
    major) major=$((major + 1)) minor=0 patch=0 ;;
    *) echo "Usage: update-version.sh [patch|minor|major]" >&2; exit 2 ;;
esac
now=$(date +%s)
if [ "$now" -gt "$build" ]; then build=$now; else build=$((build + 1)); fi

echo "v$major.$minor.$patch.$build" | tee .version
