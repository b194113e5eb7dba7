"""How WaddleBot is run for many: the files of this folder and of config/nginx, made from the manifests.

``python -m deploy`` writes them anew. What says nothing about modules (the Dockerfile, the chart's templates,
``config/postgres``) is written by hand.
"""
