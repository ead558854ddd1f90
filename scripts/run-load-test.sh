#!/usr/bin/env bash
# Runs the load test of the Chat Center API, with the flags and the summary of the Locust suite that it replaces.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$folder")
# shellcheck source=scripts/backend.sh
source "$folder/backend.sh"

usage() {
    cat <<'HELP'
Usage: scripts/run-load-test.sh [flags]

  --users N          users of the old suite, who think for 1 to 3 s: a rate by Little's law [100]
  --spawn-rate N     users started per second, so that the rate rises in steps [10]
  --duration TIME    how long: 5m, 90s, 1h30m, or a number of seconds [5m]
  --host URL         the backend [LOAD_TEST_HOST, else http://localhost:8001]
  --rate RATE        an arrival rate instead of users: 50/s
  --profile PROFILE  a profile file or a built-in profile [chat-center]
  --find-max-rps     search for the highest rate that meets the limits; --duration bounds the search
  --yes              do not ask before the first load on a host that is not this machine or a private one
  --help             this text

The account is LOAD_TEST_EMAIL and LOAD_TEST_PASSWORD from the environment or .env.loadtest;
scripts/setup-test-user.sh makes it. STEADFIRE names the program, if it is not to be found or built.

Exit codes: 0 passed, 1 failed, 2 bad flags or no account, 3 backend not reachable or log-in failed,
4 this machine could not hold the rate, 5 cut short, 130 and 143 interrupted.
HELP
}

read_flags() {
    users='' spawn_rate='' duration='' host=${LOAD_TEST_HOST:-http://localhost:8001} rate='' profile=chat-center
    search=no yes=no
    local flag value taken
    while (($#)); do
        take_flag "$@"
        case $flag in
            --users | --spawn-rate | --duration | --host | --rate | --profile)
                [[ -n $value ]] || fail 2 "$flag needs a value" "see --help"
                ;;
            --find-max-rps | --yes | --help | -h)
                [[ $1 == "$flag" ]] || fail 2 "$flag takes no value" "see --help"
                taken=1
                ;;
            *) fail 2 "unknown flag: $flag" "see --help" ;;
        esac
        case $flag in
            --users) users=$value ;;
            --spawn-rate) spawn_rate=$value ;;
            --duration) duration=$value ;;
            --host) host=$value ;;
            --rate) rate=$value ;;
            --profile) profile=$value ;;
            --find-max-rps) search=yes ;;
            --yes) yes=yes ;;
            *)
                usage
                exit 0
                ;;
        esac
        shift "$taken"
    done
    [[ -z $users || $users =~ ^[1-9][0-9]*$ ]] || fail 2 "--users '$users': write a whole number above 0"
    [[ -z $rate || -z $users$spawn_rate ]] ||
        fail 2 "--rate and --users or --spawn-rate exclude each other" "a rate needs no users"
    [[ $search == no || -z $users$spawn_rate ]] ||
        fail 2 "--find-max-rps needs no users" "it begins at --rate, or low"
    if [[ $duration =~ ^[0-9]+$ ]]; then duration+=s; fi
}

# Sets `binary`, which is built where there is none.
find_binary() {
    binary=$repository/target/release/steadfire
    if [[ -n ${STEADFIRE-} ]]; then
        binary=$STEADFIRE
        [[ -x $binary ]] || fail 2 "STEADFIRE names no program: $binary"
    elif [[ ! -x $binary ]] && ! binary=$(command -v steadfire); then
        binary=$repository/target/release/steadfire
        warn "steadfire is not built yet: building it takes a few minutes"
        PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
        (cd "$repository" && scripts/prepare && cargo build --release --locked) >&2 ||
            fail 2 "steadfire cannot be built" "see above; it takes Rust 1.95 or later from https://rustup.rs"
    fi
    done_with "program: $binary"
}

# Runs "$@" in the foreground's terminal, hands SIGTERM on, and sets `code`.
run_to_its_end() {
    "$@" <&0 &
    local child=$!
    # A terminal's SIGINT reaches the program by itself.
    trap 'kill -TERM "$child" 2>/dev/null || true' TERM
    trap : INT
    while :; do
        code=0
        wait "$child" || code=$?
        kill -0 "$child" 2>/dev/null || break
    done
}

read_flags "$@"
need_curl
origin_of "$host"
find_binary
find_credentials "$repository"
check_health "$host"

words=(run "$profile" --host "$host" --summary locust)
if [[ $search == yes ]]; then
    words+=(--find-max-rps ${rate:+--rate "$rate"} ${duration:+--search-time "$duration"})
elif [[ -n $rate ]]; then
    words+=(--rate "$rate" --duration "${duration:-5m}")
else
    words+=(--users "${users:-100}" --wait 1..3 --spawn-rate "${spawn_rate:-10}" --duration "${duration:-5m}")
fi
[[ $yes == no ]] || words+=(--yes)
run_to_its_end "$binary" "${words[@]}"
((code != 3)) || warn "if the log-in was refused (401) or pools stayed empty: scripts/setup-test-user.sh --host $host makes the account and seeds the demo data"
# The suite's code for a failed validation.
((code != 99)) || code=1
exit "$code"
