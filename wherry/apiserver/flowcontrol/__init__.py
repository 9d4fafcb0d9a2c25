"""Who is answered next, when more is asked than can be answered at once: a simple form of API priority and fairness.

classify.py    a request -> its flow and its priority level (pure)
weight.py      how many seats it takes (pure)
queueing.py    one level: its seats, and a queue for each flow, served in turn (pure)
gate.py        where requests wait; metrics

    request ─▶ classify ─▶ a seat is free ──────────────────────▶ answered ─▶ the seat is free for the next flow's turn
                              │ none                                  ▲
                              └─▶ the flow's queue, for 15 s at most ─┴▶ 429, Retry-After

Levels do not share seats, so that no workload takes those of the nodes. Within one, a flow (a user) never has more than
half of the seats, and flows that wait take turns: who asks for much waits for himself. A long list or a large body
takes several seats (`weight.py`). A watch has its own until its initial objects are sent; what is passed on (logs,
exec, the proxy) has none; neither have health checks, nor the clients in this process. Source of the idea and of all
names: KEP-1040, https://kubernetes.io/docs/concepts/cluster-administration/flow-control/.
"""
