"""From text to value: events of YAML and JSON, built without recursion."""
