#!/usr/bin/env bash
# Makes the load test's account on the Chat Center API and gives it the demo data. Harmless if it is there already.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/backend.sh
source "$folder/backend.sh"

usage() {
    cat <<'HELP'
Usage: scripts/setup-test-user.sh [--host URL]

  --host URL  the backend [LOAD_TEST_HOST, else http://localhost:8001]
  --help      this text

The account is LOAD_TEST_EMAIL and LOAD_TEST_PASSWORD from the environment or .env.loadtest.
Exit codes: 0 the account is ready, 2 bad flags or no account named, 3 the backend refuses or is not there.
HELP
}

read_flags() {
    host=${LOAD_TEST_HOST:-http://localhost:8001}
    local flag value taken
    while (($#)); do
        take_flag "$@"
        case $flag in
            --host)
                [[ -n $value ]] || fail 2 "--host needs a value" "see --help"
                host=$value
                ;;
            --help | -h)
                usage
                exit 0
                ;;
            *) fail 2 "unknown flag: $flag" "see --help" ;;
        esac
        shift "$taken"
    done
}

# $1 as a JSON string.
json_string() {
    local text=$1
    [[ $text != *[[:cntrl:]]* ]] || fail 2 "e-mail and password must not hold control characters"
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    printf '"%s"' "$text"
}

# Posts the body on stdin to $1; sets `status` and `answer`.
post() {
    local reply
    reply=$(curl --silent --show-error --max-time 60 --request POST --write-out '\n%{http_code}' \
        --header 'Content-Type: application/json' --data-binary @- "$origin$1") ||
        fail 3 "POST $1: no answer" "look at the backend's log"
    status=${reply##*$'\n'} answer=${reply%$'\n'*}
}

register() {
    post /api/auth/register <<<"{\"email\": $email, \"password\": $password, \"name\": \"Load Test User\", \"marketplace\": \"wildberries\"}"
    case $status in
        2??) done_with "registered $LOAD_TEST_EMAIL" ;;
        400 | 409) done_with "$LOAD_TEST_EMAIL is registered already" ;;
        422) fail 3 "registration refused (422)" "check that LOAD_TEST_EMAIL is an e-mail address and the password long enough" ;;
        *) fail 3 "registration was answered with $status" "look at the backend's log" ;;
    esac
}

# Sets `token`.
log_in() {
    post /api/auth/login <<<"{\"email\": $email, \"password\": $password}"
    [[ $status != 401 ]] ||
        fail 3 "log-in failed: $LOAD_TEST_EMAIL has another password" \
            "set LOAD_TEST_PASSWORD to it, or take another LOAD_TEST_EMAIL"
    token=$(sed -n 's/.*"access_token"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' <<<"$answer")
    [[ $status == 2?? && -n $token ]] || fail 3 "log-in was answered with $status" "look at the backend's log"
    done_with "logged in"
}

# The token goes in by stdin: a command line can be read by every user of the machine.
seed() {
    local reply
    reply=$(curl --silent --show-error --max-time 60 --request POST --write-out '\n%{http_code}' --config - \
        "$origin/api/auth/seed-demo" <<<"header = \"Authorization: Bearer $token\"") ||
        fail 3 "POST /api/auth/seed-demo: no answer" "look at the backend's log"
    case ${reply##*$'\n'} in
        2??) done_with "demo data is there" ;;
        404) warn "the backend has no /api/auth/seed-demo; give the account some interactions yourself" ;;
        *) fail 3 "seeding the demo data was answered with ${reply##*$'\n'}" "look at the backend's log" ;;
    esac
}

read_flags "$@"
need_curl
origin_of "$host"
find_credentials "$(dirname "$folder")"
check_health "$host"
email=$(json_string "$LOAD_TEST_EMAIL")
password=$(json_string "$LOAD_TEST_PASSWORD")
register
log_in
seed
done_with "ready: scripts/run-load-test.sh --host $host"
