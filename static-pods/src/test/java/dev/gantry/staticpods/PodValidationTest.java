package dev.gantry.staticpods;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The API's rules, each with the API's words. */
class PodValidationTest {
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "image: ''                               | spec.containers[0].image: Required value",
                "image: ' busybox'                       | spec.containers[0].image: Invalid value: \" busybox\": must not have leading or trailing whitespace",
                "imagePullPolicy: Sometimes              | spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
                "ports: [{containerPort: 0}]             | spec.containers[0].ports[0].containerPort: Required value",
                "ports: [{containerPort: 65536}]         | spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
                "ports: [{containerPort: 80, protocol: X}] | spec.containers[0].ports[0].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
                "ports: [{containerPort: 80, hostPort: 80}, {containerPort: 81, hostPort: 80}] | spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//80\"",
                "ports: [{containerPort: 80, hostIP: localhost}] | spec.containers[0].ports[0].hostIP: Invalid value: \"localhost\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
                "ports: [{containerPort: 80, name: a-very-long-name}] | spec.containers[0].ports[0].name: Invalid value: \"a-very-long-name\": must be no more than 15 characters",
                "env: [{value: x}]                       | spec.containers[0].env[0].name: Required value",
                "env: [{name: 'A=B'}]                    | spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment variable name must consist only of printable ASCII characters other than '='",
                "volumeMounts: [{name: v}]               | spec.containers[0].volumeMounts[0].name: Not found: \"v\": spec.volumes has none; spec.containers[0].volumeMounts[0].mountPath: Required value",
                "env: [{name: A, valueFrom: {configMapKeyRef: {name: a}}}] | spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value",
                "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: a/b}}}] | spec.containers[0].env[0].valueFrom.secretKeyRef.key: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
                "env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.x}}}] | spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: \"spec.x\": supported values: \"metadata.name\", \"metadata.namespace\", \"metadata.uid\", \"spec.nodeName\", \"spec.serviceAccountName\", \"status.hostIP\", \"status.hostIPs\", \"status.podIP\", \"status.podIPs\"",
                "env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.gpu}}}] | spec.containers[0].env[0].valueFrom.resourceFieldRef.resource: Unsupported value: \"limits.gpu\": supported values: \"limits.cpu\", \"limits.ephemeral-storage\", \"limits.memory\", \"requests.cpu\", \"requests.ephemeral-storage\", \"requests.memory\"",
                "envFrom: [{prefix: A}]                  | spec.containers[0].envFrom[0]: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`",
                "envFrom: [{prefix: 'A=', secretRef: {}}] | spec.containers[0].envFrom[0].prefix: Invalid value: \"A=\": a valid environment variable name must consist only of printable ASCII characters other than '='; spec.containers[0].envFrom[0].secretRef.name: Required value",
                "resources: {limits: {cpu: -1}}          | spec.containers[0].resources.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0; spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
                "resources: {limits: {gpu: 1}, requests: {gpu: 1}} | spec.containers[0].resources.limits[gpu]: Invalid value: \"gpu\": must be a standard resource for containers; spec.containers[0].resources.requests[gpu]: Invalid value: \"gpu\": must be a standard resource for containers",
                "resources: {limits: {cpu: 1}, requests: {cpu: 2}} | spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
                "livenessProbe: {exec: {command: [a]}, periodSeconds: -1} | spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
                "livenessProbe: {exec: {command: [a]}, successThreshold: 2} | spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
                "readinessProbe: {}                      | spec.containers[0].readinessProbe: Required value: must specify a handler type",
                "securityContext: {runAsUser: -1}        | spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                "securityContext: {seccompProfile: {type: Localhost}} | spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when type is Localhost",
                "securityContext: {windowsOptions: {}}  | spec.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
                "securityContext: {procMount: Unmasked} | spec.containers[0].securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`",
                "securityContext: {procMount: None}     | spec.containers[0].securityContext.procMount: Unsupported value: \"None\": supported values: \"Default\", \"Unmasked\"",
                "securityContext: {seccompProfile: {type: Localhost, localhostProfile: ../x}} | spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: \"../x\": must not contain '..'",
                "securityContext: {appArmorProfile: {type: Localhost, localhostProfile: ' x'}} | spec.containers[0].securityContext.appArmorProfile.localhostProfile: Invalid value: \" x\": must not be padded with whitespace",
                "securityContext: {appArmorProfile: {type: Unconfined, localhostProfile: x}} | spec.containers[0].securityContext.appArmorProfile.localhostProfile: Invalid value: \"x\": can only be set when type is Localhost",
                "restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}] | spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
                "restartPolicy: Never, restartPolicyRules: [{exitCodes: {values: [256]}}] | spec.containers[0].restartPolicyRules[0].action: Required value; spec.containers[0].restartPolicyRules[0].exitCodes.operator: Required value; spec.containers[0].restartPolicyRules[0].exitCodes.values: Invalid value: 256: must be between 0 and 255, inclusive",
                "restartPolicy: Never, restartPolicyRules: [{action: Stop, exitCodes: {operator: Is, values: [-1]}}] | spec.containers[0].restartPolicyRules[0].action: Unsupported value: \"Stop\": supported values: \"Restart\", \"RestartAllContainers\"; spec.containers[0].restartPolicyRules[0].exitCodes.operator: Unsupported value: \"Is\": supported values: \"In\", \"NotIn\"; spec.containers[0].restartPolicyRules[0].exitCodes.values: Invalid value: -1: must be between 0 and 255, inclusive",
                "restartPolicy: Never, restartPolicyRules: [{action: Restart}] | spec.containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified",
                "lifecycle: {stopSignal: SIGUSR1} | spec.containers[0].lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`",
                "securityContext: {privileged: true, allowPrivilegeEscalation: false} | spec.containers[0].securityContext: Invalid value: \"{…}\": cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
            })
    void containerFields(String field, String expected) {
        String container = field.startsWith("image:") ? field : "image: busybox, " + field;

        assertThat(errors("containers: [{name: main, " + container + "}]")).isEqualTo(List.of(expected.split("; ")));
    }

    @Test
    void aStopSignalIsOneOfTheKernels() {
        String pod = "os: {name: linux}, containers: [{name: main, image: busybox, lifecycle: {stopSignal: %s}}]";

        assertThat(errors(pod.formatted("SIGRTMIN+15"))).isEmpty();
        assertThat(errors(pod.formatted("SIGUSR1"))).isEmpty();
        assertThat(errors(pod.formatted("SIGRTMIN+16")))
                .singleElement()
                .asString()
                .startsWith("spec.containers[0].lifecycle.stopSignal: Unsupported value: \"SIGRTMIN+16\"");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "terminationGracePeriodSeconds: -1 | spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0",
                "activeDeadlineSeconds: 0          | spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
                "dnsPolicy: None                   | spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
                "dnsConfig: {nameservers: [1.2.3]} | spec.dnsConfig.nameservers[0]: Invalid value: \"1.2.3\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
                "hostAliases: [{ip: '::1::'}]      | spec.hostAliases[0].ip: Invalid value: \"::1::\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
                "volumes: [{name: a, configMap: {name: b, items: [{key: c, path: ../d}]}}] | spec.volumes[0].configMap.items[0].path: Invalid value: \"../d\": must not contain '..'",
                "volumes: [{name: a, secret: {secretName: b, items: [{key: c, path: d, mode: 512}]}}] | spec.volumes[0].secret.items[0].mode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
                "volumes: [{name: a, downwardAPI: {items: [{path: b}]}}] | spec.volumes[0].downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is required",
                "volumes: [{name: a, downwardAPI: {items: [{path: b, resourceFieldRef: {resource: limits.cpu}}]}}] | spec.volumes[0].downwardAPI.items[0].resourceFieldRef.containerName: Required value",
                "volumes: [{name: a, projected: {sources: [{}]}}] | spec.volumes[0].projected.sources[0]: Required value: must specify a projection type",
                "volumes: [{name: a, projected: {sources: [{secret: {name: b, items: [{key: c, path: d}, {key: e, path: d}]}}]}}] | spec.volumes[0].projected.sources[0].secret.items[1].path: Invalid value: \"d\": conflicting duplicate paths",
                "volumes: [{name: a, image: {}}] | spec.volumes[0].image.reference: Required value",
                "volumes: [{name: a}, {name: a}]   | spec.volumes[1].name: Duplicate value: \"a\"",
                "volumes: [{name: a, hostPath: {path: /a/../b}}] | spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
                "volumes: [{name: a, emptyDir: {}, hostPath: {path: /a}}] | spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
                "securityContext: {sysctls: [{name: 'A b', value: x}]} | spec.securityContext.sysctls[0].name: Invalid value: \"A b\": must have at most 253 characters and match regex [a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*",
                "tolerations: [{effect: NoExecute}] | spec.tolerations[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
                "securityContext: {windowsOptions: {}} | spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
                "securityContext: {supplementalGroupsPolicy: Both} | spec.securityContext.supplementalGroupsPolicy: Unsupported value: \"Both\": supported values: \"Merge\", \"Strict\"",
                "securityContext: {supplementalGroups: [-1]} | spec.securityContext.supplementalGroups[0]: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                "securityContext: {seLinuxChangePolicy: Never} | spec.securityContext.seLinuxChangePolicy: Unsupported value: \"Never\": supported values: \"MountOption\", \"Recursive\"",
                "{hostUsers: false, hostNetwork: true} | spec.hostNetwork: Forbidden: when `hostUsers` is false",
                "{hostUsers: false, hostPID: true} | spec.hostPID: Forbidden: when `hostUsers` is false",
                "{hostUsers: false, hostIPC: true} | spec.hostIPC: Forbidden: when `hostUsers` is false",
                "{hostnameOverride: a.b, hostNetwork: true} | spec.hostnameOverride: Forbidden: may not be set when `hostNetwork` is true",
                "{hostnameOverride: a.b, setHostnameAsFQDN: true} | spec.hostnameOverride: Forbidden: may not be set when `setHostnameAsFQDN` is true",
                "runtimeClassName: '' | spec.runtimeClassName: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                "os: {name: plan9} | spec.os.name: Unsupported value: \"plan9\": supported values: \"linux\", \"windows\"",
                "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}} | spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term",
                "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In}]}]}}} | spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                "{hostPID: true, shareProcessNamespace: true} | spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
            })
    void podFields(String field, String expected) {
        String fields = field.startsWith("{") ? field.substring(1, field.length() - 1) : field;

        assertThat(errors("containers: [{name: main, image: busybox}], " + fields))
                .containsExactly(expected);
    }

    @Test
    void aPodNeedsItsContainersAndTheirNamesOnce() {
        assertThat(errors("containers: []")).containsExactly("spec.containers: Required value");
        assertThat(errors("containers: [{image: a}, {name: x, image: a}, {name: x, image: a}]"))
                .containsExactly(
                        "spec.containers[0].name: Required value", "spec.containers[2].name: Duplicate value: \"x\"");
        assertThat(errors("containers: [{name: Main, image: a}]").get(0))
                .startsWith(
                        "spec.containers[0].name: Invalid value: \"Main\": a lowercase RFC 1123 label must consist");
    }

    @Test
    void initContainersAreCheckedToo() {
        assertThat(errors("""
                        containers: [{name: main, image: a}],
                        initContainers: [{name: main, image: b, lifecycle: {}}]"""))
                .containsExactly(
                        "spec.initContainers[0].name: Duplicate value: \"main\"",
                        "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without"
                                + " restartPolicy=Always");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "main | any             | Invalid value: \"any\": invalid AppArmor profile name: \"any\"",
                "main | localhost/      | Invalid value: \"localhost/\": invalid AppArmor profile name: \"localhost/\"",
                "side | unconfined      | Invalid value: \"side\": container not found",
                "main | runtime/default | Forbidden: apparmor type in annotation and field must match",
                "main | localhost/b     | Forbidden: apparmor profile in annotation and field must match",
            })
    void appArmorAnnotationsNameAContainerAndAgreeWithItsField(String container, String value, String expected) {
        String key = "container.apparmor.security.beta.kubernetes.io/" + container;

        assertThat(errors(
                        "annotations: {" + key + ": '" + value + "'}",
                        "containers: [{name: main, image: a, securityContext: {appArmorProfile: {type: Localhost,"
                                + " localhostProfile: a}}}]"))
                .containsExactly("metadata.annotations[" + key + "]: " + expected);
    }

    private static List<String> errors(String spec) {
        return errors("labels: {}", spec);
    }

    private static List<String> errors(String metadata, String spec) {
        String pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, " + metadata + "}, spec: {"
                + spec.replace("\n", " ") + "}}";
        return ManifestDecoder.decode("web.yaml", ("# yaml\n" + pod).getBytes(StandardCharsets.UTF_8)).errors().stream()
                .map(error -> error.field() + ": " + error.message())
                .toList();
    }
}
