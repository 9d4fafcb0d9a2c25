"""The core group (v1). Pods and Services have folders of their own: `pods/` and `services/`."""
