"""The only door: sign-in, session to access token, forwarding, frame of the home page. No domain words, no database."""
