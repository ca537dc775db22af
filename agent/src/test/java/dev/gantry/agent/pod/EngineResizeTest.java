package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.EphemeralContainerBuilder;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EngineResizeTest extends EngineTest {
    @BeforeEach
    void open() {
        fixture.apply();
    }

    /** The node has four CPUs and 8 GiB. */
    private static Pod pod(String name, String cpu, String memory, String policy) {
        return EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: %s}
                spec:
                  restartPolicy: OnFailure
                  containers:
                  - name: %s
                    image: busybox
                    imagePullPolicy: IfNotPresent
                    resources: {requests: {cpu: %s, memory: 64Mi}, limits: {cpu: 4, memory: %s}}
                    resizePolicy: [%s]
                """.formatted(name, name, cpu, memory, policy));
    }

    private static Pod pod(String name, String cpu, String memory) {
        return pod(name, cpu, memory, "");
    }

    private static Pod file(Pod pod, String uid) {
        pod.getMetadata().setUid(uid);
        pod.getMetadata().setAnnotations(Map.of("kubernetes.io/config.hash", uid));
        return pod;
    }

    private Pod resize(Pod to) throws PodRejectedException {
        Pod present = fixture.shown(to.getMetadata().getName());
        Pod desired = new PodBuilder(present).withSpec(to.getSpec()).build();
        desired.getSpec().setNodeName(present.getSpec().getNodeName());
        desired.getSpec().setTolerations(present.getSpec().getTolerations());
        Pod accepted = fixture.engine.resize(desired).orElseThrow();
        fixture.run();
        return accepted;
    }

    private Optional<PodCondition> condition(String name, String type) {
        return fixture.shown(name).getStatus().getConditions().stream()
                .filter(one -> one.getType().equals(type))
                .findFirst();
    }

    private List<String> reasons() {
        return fixture.engine.events().stream()
                .map(Event::getReason)
                .filter(reason -> reason.startsWith("Resize"))
                .toList();
    }

    private long starts() {
        return fixture.runtime.calls().stream()
                .filter(call -> call.startsWith("StartContainer"))
                .count();
    }

    @Test
    void aPodIsResizedWhileItRuns() throws Exception {
        fixture.create(pod("web", "500m", "1Gi"));
        assertThat(fixture.status("web").getAllocatedResources().get("cpu")).hasToString("500m");

        Pod accepted = resize(pod("web", "1", "2Gi"));

        assertThat(accepted.getMetadata().getGeneration()).isEqualTo(2);
        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(1024);
        assertThat(fixture.runtime.resources("web").getMemoryLimitInBytes()).isEqualTo(2L << 30);
        assertThat(fixture.status("web").getAllocatedResources().get("cpu")).hasToString("1");
        assertThat(fixture.status("web").getResources().getLimits().get("memory"))
                .hasToString("2Gi");
        assertThat(fixture.status("web").getRestartCount()).isZero();
        assertThat(fixture.runtime.calls()).contains("UpdatePodSandboxResources web", "UpdateContainerResources web");
        assertThat(reasons()).containsExactly("ResizeStarted", "ResizeCompleted");
        assertThat(condition("web", "PodResizePending")).isEmpty();
        assertThat(condition("web", "PodResizeInProgress")).isEmpty();
    }

    @Test
    void theCgroupOfAPodIsMadeBeforeItsSandboxAndResizedBeforeItsContainersGrow() throws Exception {
        List<String> seen = new ArrayList<>();
        fixture.cgroups = (parent, resources) -> {
            seen.add(parent.substring(0, parent.indexOf("/pod")) + " " + resources.getCpuShares() + " after "
                    + fixture.runtime.calls().stream()
                            .filter(call -> call.matches("(RunPodSandbox|UpdateContainerResources).*"))
                            .count());
            return CompletableFuture.completedFuture(null);
        };
        fixture.restartAgent();

        fixture.create(pod("web", "500m", "1Gi"));
        resize(pod("web", "1", "1Gi"));

        assertThat(seen).containsExactly("/kubepods/burstable 512 after 0", "/kubepods/burstable 1024 after 1");
        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(1024);
    }

    @Test
    void withoutItsCgroupAPodDoesNotStart() throws Exception {
        fixture.cgroups = (parent, resources) ->
                CompletableFuture.failedFuture(new IOException("write \"1\" to " + parent + "/pids.max: EROFS"));
        fixture.restartAgent();

        fixture.create(pod("web", "500m", "1Gi"));

        assertThat(fixture.runtime.calls()).noneMatch(call -> call.startsWith("RunPodSandbox"));
        assertThat(fixture.engine.events()).anySatisfy(event -> {
            assertThat(event.getReason()).isEqualTo("FailedCreatePodSandBox");
            assertThat(event.getMessage()).contains("pids.max: EROFS");
        });
    }

    private static Pod asAWhole(String cpu) {
        Pod pod = pod("web", "500m", "1Gi");
        pod.getSpec()
                .setResources(new ResourceRequirementsBuilder()
                        .addToRequests("cpu", new Quantity(cpu))
                        .addToLimits("cpu", new Quantity("4"))
                        .build());
        return pod;
    }

    @Test
    void whatAPodHasAsAWholeIsInItsStatus() throws Exception {
        fixture.create(asAWhole("1"));
        fixture.create(pod("other", "1", "1Gi"));
        assertThat(fixture.shown("other").getStatus().getResources()).isNull();

        resize(asAWhole("2"));
        assertThat(fixture.shown("web").getStatus().getAllocatedResources().get("cpu"))
                .hasToString("2");
        assertThat(fixture.shown("web").getStatus().getResources().getLimits().get("cpu"))
                .hasToString("4");

        resize(asAWhole("3500m"));
        assertThat(condition("web", "PodResizePending")).isPresent();
        assertThat(fixture.shown("web").getStatus().getAllocatedResources().get("cpu"))
                .hasToString("2");
    }

    @Test
    void whatTheNodeDoesNotHaveIsInfeasible() throws Exception {
        fixture.create(pod("web", "500m", "1Gi"));

        resize(huge());

        assertThat(condition("web", "PodResizePending")).hasValueSatisfying(condition -> {
            assertThat(condition.getReason()).isEqualTo("Infeasible");
            assertThat(condition.getMessage())
                    .isEqualTo(
                            "Node didn't have enough capacity: memory, requested: 17179869184, capacity: 8589934592");
        });
        assertThat(fixture.runtime.resources("web").getMemoryLimitInBytes()).isEqualTo(1L << 30);
        assertThat(fixture.status("web").getAllocatedResources().get("memory")).hasToString("64Mi");
        assertThat(reasons()).containsExactly("ResizeInfeasible");
    }

    private static Pod huge() {
        Pod pod = pod("web", "500m", "32Gi");
        pod.getSpec().getContainers().get(0).getResources().getRequests().put("memory", new Quantity("16", "Gi"));
        return pod;
    }

    @Test
    void whatOthersHaveNowIsDeferredUntilTheyAreGone() throws Exception {
        fixture.create(pod("web", "1", "1Gi"));
        fixture.create(pod("other", "2", "1Gi"));

        resize(pod("web", "3", "1Gi"));
        assertThat(condition("web", "PodResizePending")).hasValueSatisfying(condition -> {
            assertThat(condition.getReason()).isEqualTo("Deferred");
            assertThat(condition.getMessage())
                    .isEqualTo("Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000");
        });
        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(1024);
        // What waits takes no room from others.
        fixture.create(pod("small", "1", "1Gi"));
        assertThat(fixture.phase("small")).isEqualTo("Running");

        for (String name : List.of("other", "small")) {
            fixture.engine.delete("default", name, java.util.OptionalLong.of(0));
            fixture.advance(Duration.ofSeconds(2));
        }
        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(3072);
        assertThat(condition("web", "PodResizePending")).isEmpty();
        assertThat(fixture.status("web").getRestartCount()).isZero();
    }

    private static EphemeralContainer debugger() {
        return new EphemeralContainerBuilder()
                .withName("look")
                .withImage("busybox")
                .withImagePullPolicy("IfNotPresent")
                .build();
    }

    @Test
    void whatWaitsForRoomIsNotGivenByAnotherEditNorByTheNextAgent() throws Exception {
        fixture.runtime.addImage("busybox:2");
        fixture.create(pod("web", "1", "1Gi"));
        fixture.create(pod("other", "2", "1Gi"));
        resize(pod("web", "3", "1Gi"));

        Pod edited = new PodBuilder(fixture.shown("web"))
                .editMetadata()
                .addToLabels("tier", "front")
                .endMetadata()
                .editSpec()
                .editContainer(0)
                .withImage("busybox:2")
                .endContainer()
                .endSpec()
                .build();
        fixture.engine.update(edited);
        fixture.advance(Duration.ofSeconds(2));
        fixture.engine.debug("default", "web", List.of(debugger()));
        fixture.run();
        fixture.restartAgent();

        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(1024);
        assertThat(fixture.status("web").getRestartCount()).as("for its image").isEqualTo(1);
        assertThat(fixture.status("web").getAllocatedResources().get("cpu")).hasToString("1");
        assertThat(condition("web", "PodResizePending"))
                .hasValueSatisfying(
                        condition -> assertThat(condition.getReason()).isEqualTo("Deferred"));
        Pod shown = fixture.shown("web");
        assertThat(shown.getMetadata().getLabels()).containsEntry("tier", "front");
        assertThat(shown.getStatus().getObservedGeneration())
                .isEqualTo(shown.getMetadata().getGeneration());

        fixture.engine.delete("default", "other", java.util.OptionalLong.of(0));
        fixture.advance(Duration.ofSeconds(2));
        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(3072);
        fixture.restartAgent();
        assertThat(condition("web", "PodResizePending")).isEmpty();
        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(3072);
    }

    @Test
    void aManifestThatAsksForTooMuchIsNotGivenItByTheNextAgent() {
        fixture.apply(file(pod("web", "500m", "1Gi"), "uid-1"));
        fixture.apply(file(huge(), "uid-2"));
        fixture.restartAgent();
        fixture.apply(file(huge(), "uid-2"));

        assertThat(fixture.runtime.resources("web").getMemoryLimitInBytes()).isEqualTo(1L << 30);
        assertThat(condition("web", "PodResizePending"))
                .hasValueSatisfying(
                        condition -> assertThat(condition.getReason()).isEqualTo("Infeasible"));
        assertThat(fixture.shown("web").getMetadata().getUid()).isEqualTo("uid-1");
        assertThat(fixture.shown("web").getMetadata().getGeneration()).isEqualTo(2);
        assertThat(starts()).isEqualTo(1);
    }

    @Test
    void aContainerThatAsksForItIsStartedAnew() throws Exception {
        fixture.create(pod("web", "500m", "1Gi", "{resourceName: memory, restartPolicy: RestartContainer}"));

        resize(pod("web", "1", "1Gi", "{resourceName: memory, restartPolicy: RestartContainer}"));
        assertThat(starts()).isEqualTo(1);
        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(1024);

        resize(pod("web", "1", "2Gi", "{resourceName: memory, restartPolicy: RestartContainer}"));
        fixture.advance(Duration.ofSeconds(2));
        assertThat(starts()).isEqualTo(2);
        assertThat(fixture.runtime.resources("web").getMemoryLimitInBytes()).isEqualTo(2L << 30);
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
        assertThat(fixture.engine.events())
                .extracting(Event::getMessage)
                .contains("Container web resize requires restart");
    }

    @Test
    void memoryInUseIsNotTaken() throws Exception {
        fixture.create(pod("web", "500m", "2Gi"));
        fixture.runtime.usesMemory("web", 1536L << 20);

        resize(pod("web", "500m", "1Gi"));
        assertThat(fixture.runtime.resources("web").getMemoryLimitInBytes()).isEqualTo(2L << 30);
        assertThat(fixture.status("web").getResources().getLimits().get("memory"))
                .hasToString("2097152Ki");
        assertThat(condition("web", "PodResizeInProgress")).hasValueSatisfying(condition -> {
            assertThat(condition.getReason()).isEqualTo("Error");
            assertThat(condition.getMessage())
                    .isEqualTo(
                            "attempting to set memory limit (1073741824) of container web below current usage (1610612736)");
        });

        fixture.runtime.usesMemory("web", 512L << 20);
        fixture.advance(Duration.ofSeconds(31));
        assertThat(fixture.runtime.resources("web").getMemoryLimitInBytes()).isEqualTo(1L << 30);
        assertThat(condition("web", "PodResizeInProgress")).isEmpty();
    }

    @Test
    void anEditOfAManifestThatOnlyResizesLeavesThePodRunning() {
        fixture.apply(file(pod("web", "500m", "1Gi"), "uid-1"));
        String container = fixture.status("web").getContainerID();

        fixture.apply(file(pod("web", "1", "1Gi"), "uid-2"));

        assertThat(fixture.status("web").getContainerID()).isEqualTo(container);
        assertThat(fixture.shown("web").getMetadata().getUid()).isEqualTo("uid-1");
        assertThat(fixture.shown("web").getMetadata().getGeneration()).isEqualTo(2);
        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(1024);

        fixture.restartAgent();
        fixture.apply(file(pod("web", "1", "1Gi"), "uid-2"));
        assertThat(fixture.status("web").getContainerID()).isEqualTo(container);
        assertThat(fixture.shown("web").getMetadata().getUid()).isEqualTo("uid-1");
        assertThat(starts()).isEqualTo(1);
    }

    @Test
    void aResizeThatAnAgentLeftUndoneIsDoneByTheNext() throws Exception {
        fixture.create(pod("web", "500m", "1Gi"));
        fixture.runtime.hold("UpdateContainerResources");
        resize(pod("web", "1", "1Gi"));
        fixture.restartAgent();
        fixture.runtime.release("UpdateContainerResources");
        fixture.advance(Duration.ofSeconds(1));

        assertThat(fixture.runtime.resources("web").getCpuShares()).isEqualTo(1024);
        assertThat(starts()).isEqualTo(1);
    }

    @Test
    void whatIsNoResizeIsRefused() {
        fixture.create(pod("web", "500m", "1Gi"));
        Pod renamed = pod("web", "500m", "1Gi");
        renamed.getSpec().getContainers().get(0).setImage("other");

        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> resize(renamed))
                .withMessage("Pod \"web\" is invalid: spec: only cpu and memory resources are mutable");

        Pod guaranteed = pod("web", "4", "64Mi");
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> resize(guaranteed))
                .withMessage("Pod \"web\" is invalid: spec: Pod QOS Class may not change as a result of resizing");

        Pod unlimited = pod("web", "500m", "1Gi");
        unlimited.getSpec().getContainers().get(0).getResources().getLimits().remove("memory");
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> resize(unlimited))
                .withMessage(
                        "Pod \"web\" is invalid: spec.containers[0].resources.limits: resource limits cannot be removed: memory");

        fixture.apply(file(pod("static", "500m", "1Gi"), "uid-1"));
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> resize(pod("static", "1", "1Gi")))
                .withMessage("pods \"static\" is forbidden: it comes from a manifest file; edit the file to resize it");
    }
}
