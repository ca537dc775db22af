package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.testing.ContainerdProgram;
import dev.gantry.testing.RequiresContainerd;
import io.fabric8.kubernetes.api.model.Pod;
import org.junit.jupiter.api.Test;

/** The same on containerd, as far as it can do it. */
@RequiresContainerd
class PodSecurityOnContainerdIT extends PodSecurityIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::containerd;
    }

    @Override
    String handlers() {
        return "crun, runc";
    }

    private static boolean isAtLeast2() throws Exception {
        return ContainerdProgram.ofThisMachine().isAtLeast(2, 0);
    }

    private void isRefused(String spec, String reason) throws Exception {
        node().create(spec);

        node().await(pod -> node().events().stream()
                .anyMatch(event -> event.startsWith("FailedCreatePodSandBox:") && event.contains(reason)));
    }

    /** It came with containerd 2.0; a runtime that does not know it would add the image's groups. */
    @Test
    @Override
    void groupsOfTheImageAreLeftOutWhenStrict() throws Exception {
        if (isAtLeast2()) {
            super.groupsOfTheImageAreLeftOutWhenStrict();
            return;
        }
        isRefused("""
                securityContext: {runAsUser: 1000, supplementalGroups: [6000], supplementalGroupsPolicy: Strict}
                containers: [{name: main, image: example.test/demo:1, command: [sleep, "1000"]}]
                """, "SupplementalGroupsPolicy=Strict is not supported in this node");
    }

    /** It tells a container's user since containerd 2.0; before, the kubelet's refusal is all there is. */
    @Test
    @Override
    void aUserThatTheImageNamesIsLookedUpInIt() throws Exception {
        if (isAtLeast2()) {
            super.aUserThatTheImageNamesIsLookedUpInIt();
            return;
        }
        node().create(NAMED_USERS);
        Pod pod = node().await(now -> isWaiting(now, "web") && isWaiting(now, "toor"));

        assertThat(message(pod, "web"))
                .contains("image has non-numeric user (web), cannot verify user is non-root", "set runAsUser");
    }

    /** They came with containerd 2.0; a runtime that does not know them would run the pod's root as the host's. */
    @Test
    @Override
    void aPodHasUsersOfItsOwn() throws Exception {
        if (isAtLeast2()) {
            super.aPodHasUsersOfItsOwn();
            return;
        }
        isRefused("""
                hostUsers: false
                containers: [{name: main, image: example.test/demo:1, command: [sleep, "1000"]}]
                """, "does not support user namespaces, which hostUsers: false asks for");
    }

    /** It tells its handlers since containerd 2.0; before, it answers for itself. */
    @Test
    @Override
    void aClassThatTheRuntimeHasNotIsNamed() throws Exception {
        if (isAtLeast2()) {
            super.aClassThatTheRuntimeHasNotIsNamed();
            return;
        }
        isRefused("""
                runtimeClassName: kata
                containers: [{name: main, image: example.test/demo:1}]
                """, "no runtime for \"kata\" is configured");
    }

    /** Capabilities that the kernel does not know, it leaves out. */
    @Test
    @Override
    void whatCannotBeHadIsSaidAndTheOtherContainersGoOn() throws Exception {
        node().create("""
                containers:
                - {name: fine, image: example.test/demo:1, command: [sleep, "1000"]}
                - name: profile
                  image: example.test/demo:1
                  securityContext: {seccompProfile: {type: Localhost, localhostProfile: none.json}}
                - name: root
                  image: example.test/demo:1
                  securityContext: {runAsNonRoot: true}
                """);
        Pod pod = node().await(now -> isWaiting(now, "profile")
                && isWaiting(now, "root")
                && RealNode.status(now, "fine").getState().getRunning() != null);

        assertThat(message(pod, "profile"))
                .contains("open " + node().seccomp().resolve("none.json") + ": no such file");
        assertThat(message(pod, "root")).contains("container has runAsNonRoot and image will run as root");
    }
}
