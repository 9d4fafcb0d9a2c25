"""The controllers: each makes one promise of the API true, by watching and writing objects and nothing else.

    manager.py         `make`: the component that runs every controller, over shared caches
    config.py          `ControllersConfig`
    context.py         what all controllers share: client, informers, indexes, events, clock
    controller.py      `Controller`: a queue of keys in front of one `reconcile`
    expectations.py    what was asked for and is not seen yet
    ownership.py       adopting and releasing by selector
    pods.py            pure: available since when; which pod goes first
    backoff.py         growing pauses                   podtemplate.py    pure: a pod from a template
    percent.py         pure: counts and percentages
    podcontrol.py      creating and deleting pods       podowner.py       what owners of pods share
    revision.py        pure: a workload's history       history.py        writes it, as ControllerRevisions
    pernamespace.py    one object in every namespace

    deployment/        Deployment → ReplicaSets         replicaset/       ReplicaSet, ReplicationController → Pods
    daemonset/         DaemonSet → a Pod per node       statefulset/      StatefulSet → named Pods and their claims
    job/               Job → Pods that end              cronjob/          CronJob → Jobs
    finishedjobs.py    Jobs whose time is up            garbagecollector/ dependents follow their owners
    endpoints.py       Service → Endpoints              servicepods.py    pure: the pods behind a Service
    endpointslice/     Service, hand-made Endpoints → EndpointSlices
    namespace.py       empties and finalizes            serviceaccount.py `default` in every namespace
    rootca.py          kube-root-ca.crt                 nodelifecycle/    heartbeats, taints, evictions
    podgc.py           pods nobody will ever run        eventttl.py       events live an hour
    autoscaling/       as many pods as a HorizontalPodAutoscaler asks for
    disruption/        how many pods a PodDisruptionBudget lets go
    servicecidrs.py    ranges stay while they are used  clusterips.py     a Service's IPAddresses, repaired
    volumes/           claims → PersistentVolumes, local-path, what is in use stays

A controller's decisions are pure functions of what the caches show; the loop around them only applies the difference.
They never import one another: they meet in the API.
"""
