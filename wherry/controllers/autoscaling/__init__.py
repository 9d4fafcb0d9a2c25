"""As many pods as their use asks for, as each HorizontalPodAutoscaler has it.

    usage.py        pure: how many pods a metric asks for
    pace.py         pure: how fast that may be followed
    decide.py       pure: how many there are to be, and what is told of it
    controller.py   `HorizontalPodAutoscalerController`: measures, scales, writes the status

Source: kubernetes pkg/controller/podautoscaler.
"""
