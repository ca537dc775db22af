package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kubelet's objections, in its words. */
class NodeAdmissionTest {
    private static final NodePolicy POLICY = new NodePolicy(
            true,
            List.of("net.core.*", "kernel.msgmax"),
            NodePolicy.standardLabels("node-1", Map.of("disk", "ssd", "cores", "8")),
            false,
            false,
            List.of(),
            IdRanges.DEFAULT);

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "nodeSelector: {disk: ssd, kubernetes.io/os: linux} |",
                "nodeSelector: {disk: hdd} | NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector; the node has disk=ssd, not hdd; nodeLabels in its configuration sets it",
                "nodeSelector: {other: ''} | NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector; the node has no label other; nodeLabels in its configuration sets it",
                "nodeSelector: {kubernetes.io/os: windows} | PodOSSelectorNodeLabelDoesNotMatch: Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
                "os: {name: windows} | PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS",
                "os: {name: linux} |",
                "securityContext: {appArmorProfile: {type: RuntimeDefault}} | AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host; remove appArmorProfile, or set its type to Unconfined, to run the pod without a profile",
                "securityContext: {appArmorProfile: {type: Unconfined}} |",
                "securityContext: {seLinuxOptions: {level: 's0'}} | SELinux: Cannot enforce SELinux: SELinux is not enabled on the host; remove seLinuxOptions to run the pod without labels",
                "securityContext: {sysctls: [{name: net.ipv4.tcp_syncookies, value: '1'}]} |",
                "securityContext: {sysctls: [{name: net/core/somaxconn, value: '1'}]} |",
                "securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]} |",
                "securityContext: {sysctls: [{name: kernel.msgmnb, value: '1'}]} | SysctlForbidden: forbidden sysctl: \"kernel.msgmnb\" not allowlisted: the node's allowedUnsafeSysctls can allow it",
                "securityContext: {sysctls: [{name: vm.swappiness, value: '1'}]} | SysctlForbidden: forbidden sysctl: \"vm.swappiness\" not allowlisted: no namespace of a pod has it, it can only be set on the node",
                "{hostNetwork: true, securityContext: {sysctls: [{name: net.core.somaxconn, value: '1'}]}} | SysctlForbidden: forbidden sysctl: \"net.core.somaxconn\" not allowed with host net enabled",
                "{hostIPC: true, securityContext: {sysctls: [{name: kernel.shm_rmid_forced, value: '1'}]}} | SysctlForbidden: forbidden sysctl: \"kernel.shm_rmid_forced\" not allowed with host ipc enabled",
                "{hostIPC: true, securityContext: {sysctls: [{name: net.core.somaxconn, value: '1'}]}} |",
            })
    void fields(String fields, String expected) {
        Pod pod = pod(fields.startsWith("{") ? fields.substring(1, fields.length() - 1) : fields);

        assertThat(NodeAdmission.check(pod, "node-1", POLICY).map(one -> one.reason() + ": " + one.message()))
                .isEqualTo(java.util.Optional.ofNullable(expected));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{key: disk, operator: In, values: [hdd, ssd]} | true",
                "{key: disk, operator: NotIn, values: [ssd]}   | false",
                "{key: other, operator: NotIn, values: [ssd]}  | true",
                "{key: disk, operator: Exists}                 | true",
                "{key: disk, operator: DoesNotExist}           | false",
                "{key: cores, operator: Gt, values: ['7']}     | true",
                "{key: cores, operator: Gt, values: ['8']}     | false",
                "{key: cores, operator: Lt, values: ['9']}     | true",
                "{key: disk, operator: Lt, values: ['9']}      | false",
                "{key: other, operator: Gt, values: ['0']}     | false",
            })
    void whatAffinityRequiresOfTheNode(String expression, boolean matches) {
        String affinity =
                "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms:"
                        + " [%s]}}}";
        String term = "{matchExpressions: [" + expression + "]}";

        assertThat(NodeAdmission.check(pod(affinity.formatted(term)), "node-1", POLICY)
                        .isEmpty())
                .isEqualTo(matches);
        // Terms are alternatives, an empty one matches nothing.
        assertThat(NodeAdmission.check(pod(affinity.formatted("{}, " + term)), "node-1", POLICY)
                        .isEmpty())
                .isEqualTo(matches);
    }

    @Test
    void fieldsOfTheNodeMatchItsName() {
        String affinity =
                "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms:"
                        + " [{matchFields: [{key: metadata.name, operator: In, values: [%s]}]}]}}}";

        assertThat(NodeAdmission.check(pod(affinity.formatted("node-1")), "node-1", POLICY))
                .isEmpty();
        assertThat(NodeAdmission.check(pod(affinity.formatted("node-2")), "node-1", POLICY))
                .hasValueSatisfying(rejection -> assertThat(rejection.message())
                        .contains("; its labels, which nodeLabels in its configuration adds to, are {")
                        .contains(", cores=8, disk=ssd, "));
    }

    private static Pod pod(String fields) {
        return EngineFixture.pod(
                "# yaml\n{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: main,"
                        + " image: busybox}], " + fields + "}}");
    }
}
