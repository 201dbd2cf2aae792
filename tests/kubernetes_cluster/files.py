"""Configuration files of the cluster's parts."""

RUNTIME = """#!{python} -S
# In front of the engine's runtime: a machine without CAP_SYS_RESOURCE cannot protect a container from the kernel's killer, which the kubelet wants
# of its own. They run without.
import json, os, sys
words = sys.argv[1:]
if "create" in words and "--bundle" in words:
    path = os.path.join(words[words.index("--bundle") + 1], "config.json")
    with open(path) as stream:
        config = json.load(stream)
    if (config["process"].get("oomScoreAdj") or 0) < 0:
        config["process"]["oomScoreAdj"] = 0
        with open(path, "w") as stream:
            json.dump(config, stream)
os.execv({runc!r}, ["runc", *words])
"""

KUBELET = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupsPerQOS: true
enforceNodeAllocatable: []
failSwapOn: false
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
address: {address}
port: 10250
readOnlyPort: 0
healthzPort: 0
oomScoreAdj: 0
clusterDNS: []
resolvConf: /etc/resolv.conf
imagePullProgressDeadline: 60s
evictionHard: {{nodefs.available: "1%", imagefs.available: "1%", memory.available: "100Mi"}}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
"""

REGISTRY = """version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: 127.0.0.1:{port}}}
"""

KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "https://127.0.0.1:{port}", insecure-skip-tls-verify: true}}}}]
users: [{{name: admin, user: {{token: {token}}}}}]
contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]
current-context: test
"""
