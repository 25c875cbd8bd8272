#!/bin/bash
# kafka-broker-api-versions.sh - the tool of that name
# shellcheck disable=SC2086  # several words
exec java ${KAFKA_HEAP_OPTS:--Xmx256M} -XX:+UseSerialGC -cp '/opt/kafka/libs/*' org.apache.kafka.tools.BrokerApiVersionsCommand "$@"
