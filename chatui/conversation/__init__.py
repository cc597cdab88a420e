"""The domain: threads as trees of messages, and the turns that grow them. No Textual and no SQL here."""
