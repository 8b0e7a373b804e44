#!/bin/sh
# What the tests need beside Python: real servers, and a browser. Quick and quiet when all of it is here.
# Root gets it from Debian's packages; others use what they have, and are told what the tests will skip.
set -u
cd "$(dirname "$0")/../.." || exit 1

here() { command -v "$1" >/dev/null 2>&1; }

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
ours=
tidy() { rm -f "$log"; test -z "$ours" || rm -f $policy; }
trap tidy EXIT
trap 'exit 1' INT TERM HUP

missing() { # the Debian packages whose programs are not here
    here chromium || here chromium-browser || here google-chrome || echo chromium
    here redis-server || echo redis-server
    here postgres || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || echo postgresql
    test -x /usr/lib/rabbitmq/bin/rabbitmq-server || echo rabbitmq-server
    here kcat || echo kcat
    here java || echo default-jre-headless
    { test -e .servers/kafka/.ready && test -e .servers/registry/.ready && test -e .servers/flink/.ready; } || here mvn || echo maven
}

install() { # $@: packages. Debian starts a service when it is installed, unless this file says no.
    if ! test -e $policy; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1 ||
        tail -n 5 "$log"
}

wanted=$(missing | tr '\n' ' ')
if test -n "$wanted" && test "$(id -u)" = 0 && here apt-get; then
    echo "Installing for the tests, once: $wanted…"
    # shellcheck disable=SC2086 # one word a package
    install $wanted
    wanted=$(missing | tr '\n' ' ')
fi

fetch() { # $1: a folder with a pom.xml, which .servers/$1 comes from; $2: Maven's goal. Anew when pom.xml changes.
    pom=tests/servers/$1/pom.xml
    if ! test ".servers/$1/.ready" -nt "$pom" && here mvn; then
        echo "Fetching for the tests, once: $1 …"
        rm -rf ".servers/$1"
        mvn --batch-mode --quiet -Dstyle.color=never --file "$pom" "dependency:$2" \
            -DincludeScope=runtime -DoutputDirectory="$PWD/.servers/$1" >"$log" 2>&1 &&
            touch ".servers/$1/.ready" || grep ERROR "$log" | head -n 2
    fi
    test -e ".servers/$1/.ready" || wanted="$wanted$1 "
}
fetch kafka copy-dependencies
if test -e .servers/kafka/.ready && ! test -e .servers/kafka/kafka.jsa && here java; then
    .venv/bin/python -m tests.servers.kafka.archive || echo "Kafka starts without an archive of its classes."
fi
fetch registry unpack
fetch flink copy-dependencies
if test -e .servers/flink/.ready && ! test -e .servers/flink/flink.jsa && here java; then
    .venv/bin/python -m tests.servers.flink.archive || echo "Flink starts without an archive of its classes."
fi

test -z "$wanted" || echo "Not here: $wanted— what needs it is skipped (with CI set, it fails)."
