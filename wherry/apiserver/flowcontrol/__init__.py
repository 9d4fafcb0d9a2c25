"""Who is answered next, when more is asked than can be answered at once: API priority and fairness.

schemas.py     FlowSchemas, read; which one a request is of (pure)
levels.py      PriorityLevelConfigurations, read: the seats and queues of each level (pure)
weight.py      how many seats a request takes (pure)
queueing.py    one level: its seats, and a queue for each flow, served in turn (pure)
gate.py        where requests wait; metrics
control.py     `FlowControl`: the objects there are just now, put in force (bootstrap/flowkeeper.py keeps them)

    request ─▶ schema ─▶ a seat of its level is free ───────────▶ answered ─▶ the seat is free for the next flow's turn
                              │ none                                  ▲
                              └─▶ the flow's queue, for 15 s at most ─┴▶ 429, Retry-After

Levels do not share seats, so that no workload takes those of the nodes: what one may lend (`lendablePercent`) is kept
and warned of. Within one, a flow never has more than half of the seats, and flows that wait take turns: who asks for
much waits for himself. A long list or a large body takes several seats (`weight.py`). A watch has its own until its
initial objects are sent; what is passed on (logs, exec, the proxy) has none; neither have health checks, nor the
clients in this process. Each flow has a queue of its own, where upstream deals flows to `queues`: it is as long as a
hand of theirs.

Administrators have seats where upstream exempts them (the schema `exempt`), since here people's own scripts are
administrators: one of theirs is to starve nobody else.

Sources: KEP-1040, https://kubernetes.io/docs/concepts/cluster-administration/flow-control/.
"""
