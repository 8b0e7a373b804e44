#!/bin/sh
# What the tests need beside Python: real servers, and a browser. Quick and quiet when all of it is here.
# Root gets it from Debian's packages; others use what they have, and are told what the tests will skip.
set -u
cd "$(dirname "$0")/../.." || exit 1

here() { command -v "$1" >/dev/null 2>&1; }

missing() { # the Debian packages whose programs are not here
    here chromium || here chromium-browser || here google-chrome || echo chromium
    here redis-server || echo redis-server
    here postgres || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || echo postgresql
    test -x /usr/lib/rabbitmq/bin/rabbitmq-server || echo rabbitmq-server
    here kcat || echo kcat
    here java || echo default-jre-headless
    test -e .servers/kafka/.ready || here mvn || echo maven
}

install() { # $@: packages. Debian starts a service when it is installed, unless this file says no.
    policy=/usr/sbin/policy-rc.d
    if ! test -e $policy; then
        trap 'rm -f $policy' EXIT
        trap 'exit 1' INT TERM HUP
        printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
    fi
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1 ||
        tail -n 5 "$log"
    rm -f "$log"
}

wanted=$(missing | tr '\n' ' ')
if test -n "$wanted" && test "$(id -u)" = 0 && here apt-get; then
    echo "Installing for the tests, once: $wanted…"
    # shellcheck disable=SC2086 # one word a package
    install $wanted
    wanted=$(missing | tr '\n' ' ')
fi

# Kafka is a set of jars. They are fetched anew when the list changes.
if ! test .servers/kafka/.ready -nt tests/servers/kafka/pom.xml && here mvn; then
    echo "Fetching Kafka for the tests, once …"
    rm -rf .servers/kafka
    mvn --batch-mode --quiet -Dstyle.color=never --file tests/servers/kafka/pom.xml dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$PWD/.servers/kafka" >&2 && touch .servers/kafka/.ready
fi

test -z "$wanted" || echo "Not here: $wanted— what needs them is skipped (with CI set: fails)."
test -e .servers/kafka/.ready || echo "Kafka's jars are not here: what needs them is skipped (with CI set: fails)."
