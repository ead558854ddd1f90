# shellcheck shell=bash
# What run-load-test.sh and setup-test-user.sh know of the backend: the test account, and whether it answers.
# Sourced, not run. Nothing here prints a password or a token, or puts one on a command line.

# $1: exit code; the rest: what is wrong and what to do, a line each.
fail() {
    local code=$1
    shift
    printf '✗ %s\n' "$1" >&2
    shift
    printf '  %s\n' "$@" >&2
    exit "$code"
}

done_with() {
    printf '✓ %s\n' "$1" >&2
}

warn() {
    printf '⚠ %s\n' "$1" >&2
}

# Splits --flag=value and --flag value alike: sets `flag`, `value` and `taken`, how many words that were.
# $1, $2: the next two words; $#: how many words are left.
# shellcheck disable=SC2034 # used by whoever sources this
take_flag() {
    flag=${1%%=*}
    if [[ $1 == *=* ]]; then
        value=${1#*=} taken=1
    else
        value=${2-} taken=2
        (($# > 1)) || taken=1
    fi
}

# Prints the value of $1 in the dotenv file $2. Reads it as steadfire does, and never runs it.
dotenv() {
    local line value found=
    while IFS= read -r line || [[ -n $line ]]; do
        [[ ${line%$'\r'} =~ ^[[:space:]]*(export[[:space:]]+)?$1=(.*)$ ]] || continue
        value=${BASH_REMATCH[2]}
        if [[ $value =~ ^\"([^\"]*)\" || $value =~ ^\'([^\']*)\' ]]; then
            found=${BASH_REMATCH[1]}
        else
            value=${value%%[[:space:]]#*}
            found=${value%"${value##*[![:space:]]}"}
        fi
    done <"$2"
    printf '%s' "$found"
}

# Exports LOAD_TEST_EMAIL and LOAD_TEST_PASSWORD: the environment's, else those of .env.loadtest here or in the
# folder $1.
find_credentials() {
    local file
    for file in ./.env.loadtest "$1/.env.loadtest"; do
        [[ -r $file ]] || continue
        : "${LOAD_TEST_EMAIL:=$(dotenv LOAD_TEST_EMAIL "$file")}"
        : "${LOAD_TEST_PASSWORD:=$(dotenv LOAD_TEST_PASSWORD "$file")}"
        break
    done
    if [[ -z ${LOAD_TEST_EMAIL-} || -z ${LOAD_TEST_PASSWORD-} ]]; then
        fail 2 "LOAD_TEST_EMAIL and LOAD_TEST_PASSWORD must be set" \
            "export LOAD_TEST_EMAIL=loadtest@agentiq.ru LOAD_TEST_PASSWORD=…" \
            "or write both as NAME=VALUE lines into .env.loadtest"
    fi
    export LOAD_TEST_EMAIL LOAD_TEST_PASSWORD
    done_with "test account: $LOAD_TEST_EMAIL"
}

# Sets `origin`: scheme, host and port of $1, without its path.
origin_of() {
    [[ $1 =~ ^(https?://[^/?#]+) ]] ||
        fail 2 "--host '$1': write http://HOST:PORT or https://HOST" "such as http://localhost:8001"
    origin=${BASH_REMATCH[1]}
}

need_curl() {
    command -v curl >/dev/null ||
        fail 2 "curl is missing" "on Debian and Ubuntu: sudo apt-get install curl"
}

# Whether the backend at `origin` is there and well; $1: its URL as given.
check_health() {
    local status
    if ! status=$(curl --silent --output /dev/null --max-time 10 --write-out '%{http_code}' "$origin/health"); then
        fail 3 "the backend does not answer at $1" \
            "start it: uvicorn app.main:app --host=0.0.0.0 --port=8001" \
            "or try the demo backend: steadfire target --listen 127.0.0.1:8001"
    fi
    case $status in
        2??) done_with "backend is healthy: $origin/health" ;;
        5??) fail 3 "the backend is not well: $origin/health answers $status" "look at its log" ;;
        *) warn "$origin/health answers $status; going on, since something answers" ;;
    esac
}
