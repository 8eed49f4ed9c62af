#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Generic recovery script (thesis Fig. 4.2): binary exponential back-off, then a restart.
# Used by policies with `recovery /etc/rs/generic.sh;` and by `service up -recovery`; `service monitor`
# runs it. It must not depend on the component that it recovers.
component=$1  # label of the failed component
reason=$2     # exit, exception, signal, heartbeat, complaint, init
repetition=$3 # failures so far, from 1

delay=$((repetition > 5 ? 16 : 1 << (repetition - 1)))
[ "$reason" = update ] || sleep "$delay"
service refresh "$component"
status=$?
echo "recovery: $component, $reason, failure $repetition: restart status $status" >/dev/console
exit $status
