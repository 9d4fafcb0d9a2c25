"""How many pods may be evicted at the moment, as each PodDisruptionBudget has it.

    decide.py       pure: a budget's status
    controller.py   `DisruptionController`: writes it

Source: kubernetes pkg/controller/disruption/disruption.go.
"""
