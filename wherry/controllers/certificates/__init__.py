"""CertificateSigningRequests to the cluster's own signers: approved where that goes without saying, signed, forgotten.

    policy.py     pure: which requests a signer takes
    issuing.py    pure: the certificate for one
    approver.py   `CertificateApprover`: approves the client certificates of nodes
    signer.py     `CertificateSigner`: issues what is approved
    cleaner.py    `CertificateCleaner`: deletes requests whose time is over

Source: kubernetes pkg/controller/certificates.
"""
