"""Start MiniStack with our patches: `python -m tools.local_aws.launcher`.

Runs in MiniStack's own environment (requirements/ministack.txt), so this package imports the
standard library and MiniStack only. Settings come from MiniStack's own environment variables, and
``ITEMSTREAM_LAMBDA_HOST_URL`` names the Lambda host.
"""

import importlib.metadata
import sys

MINISTACK_VERSION = "1.5.33"


def main() -> None:
    """Refuse a MiniStack the patches were not written for, patch it and serve until SIGTERM."""
    installed = importlib.metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        sys.exit(
            f"The patches in tools/local_aws are written for MiniStack {MINISTACK_VERSION}, but "
            f"{installed} is installed. Run `make reset up` to reinstall the pinned version; to "
            "move to another one, run tests/integration/local_aws against it first."
        )
    from ministack import app

    from tools.local_aws import (
        alarm_evaluation,
        asynchronous_invocations,
        describe_alarms,
        event_targets,
        expired_items,
        gateway_failures,
        gateway_patch_operations,
        gateway_payload_limits,
        gateway_validation_errors,
        http_api_events,
        http_api_failures,
        http_api_throttling,
        idle_connections,
        lambda_host,
        queue_batches,
        queue_mappings,
        saved_state,
        saved_streams,
        schedule_inputs,
        secret_rotation,
        secret_versions,
        source_ages,
        stream_mappings,
        version_code,
        websocket_answers,
        websocket_authorizers,
        websocket_binary_frames,
        websocket_closing,
        websocket_connection_ids,
        websocket_payload_limits,
        websocket_routing,
        weighted_aliases,
    )

    for patch in (
        alarm_evaluation,
        asynchronous_invocations,
        describe_alarms,
        event_targets,
        expired_items,
        gateway_failures,
        gateway_patch_operations,
        gateway_payload_limits,
        gateway_validation_errors,
        http_api_events,
        http_api_failures,
        http_api_throttling,
        idle_connections,
        lambda_host,
        queue_batches,
        queue_mappings,
        saved_state,
        saved_streams,
        schedule_inputs,
        secret_rotation,
        secret_versions,
        source_ages,
        stream_mappings,
        version_code,
        websocket_answers,
        websocket_authorizers,
        websocket_binary_frames,
        websocket_closing,
        websocket_connection_ids,
        websocket_payload_limits,
        websocket_routing,
        weighted_aliases,
    ):
        patch.apply()
    # MiniStack reads its own command line, and ours has nothing for it.
    sys.argv[1:] = []
    app.main()


if __name__ == "__main__":
    main()
