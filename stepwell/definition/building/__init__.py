"""From a checked document to the model: nothing here can fail for a document without findings."""
