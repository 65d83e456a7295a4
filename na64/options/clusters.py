"""The commands `na64 clusters`; as in `na64.cli`, their work is in `na64.commands`."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["clusters_app"]

clusters_app = typer.Typer(
    help="List the clusters that --cluster knows, show one, or try it.", invoke_without_command=True
)

Name = Annotated[str, typer.Argument(help="As for --cluster.", metavar="NAME|ADDRESS")]


@clusters_app.callback()
def clusters(context: typer.Context) -> None:
    """List the clusters: those that come with the project, and yours."""
    if context.invoked_subcommand is None:
        from na64.commands.clusters import list_clusters

        list_clusters()


@clusters_app.command("show")
def show(name: Name) -> None:
    """Show the settings of a cluster and the job that would be submitted for each worker."""
    from na64.commands.clusters import show_cluster

    show_cluster(name)


@clusters_app.command("check")
def check(name: Name) -> None:
    """Start one worker, and compare its packages and sources with those of this machine; no data are read."""
    from na64.commands.clusters import check_cluster

    check_cluster(name)
