"""What nodes and pods use (metrics.k8s.io), worked out when somebody asks, of what the nodes' agents count.

    request ─▶ metrics.py ─▶ measuring.py ─▶ summaries.py ─▶ GET /stats/summary of the agents concerned
                  objects       kept samples     counters
                                    └── rates.py (pure): two samples make a rate

Nothing is asked while nobody asks. Who asks first waits for a second sample, a second later; what was measured less
than ten seconds ago is answered again, and what follows is the mean since then.
"""
