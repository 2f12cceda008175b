#!/bin/sh
# What `make demo` does: run the order workflow twice, once to a happy end and once to an undone one, and look at both.
set -eu
here=$(dirname "$0")
stepwell="${BIN:-.venv/bin}/stepwell"
db="${STEPWELL_DB:-demo.db}"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. An order, shipped (the card service is busy twice; charging is retried):"
"$stepwell" run "$here/orders/order.yaml" --db "$db" --input '{"order": "1001", "amount": 42.5}'

say "2. An order that no carrier takes: what was done is undone:"
"$stepwell" run "$here/orders/order.yaml" --db "$db" --input '{"order": "1002", "amount": 17, "undeliverable": true}'

say "3. Both are on record:"
"$stepwell" runs list --db "$db" --limit 2

say "What to try next:"
cat <<NEXT
  $stepwell runs show --db $db ID        every step, attempt and error of a run
  $stepwell runs explain --db $db ID     why it stands where it stands
  $stepwell graph $here/orders/order.yaml
  $stepwell doctor --db $db              check the whole record
  README.md                              a ten-line workflow of your own
NEXT
