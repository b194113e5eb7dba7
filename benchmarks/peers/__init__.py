"""Other bots' command dispatch, each driven in a process of its own from an environment made for them alone.

All get the same texts, and their handlers do no more than count and reply. errbot's reply takes errbot's own way
to a back end that counts. The others would send it over HTTP: theirs is counted at once, which favours them. The
modules that drive a peer import it, so they run in that environment alone.
"""
