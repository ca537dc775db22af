package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.cri.transport.CriEventLoops;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.Container;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.RemoveContainerRequest;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.testing.RequiresRoot;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A running node's CRI socket, as crictl uses it: what it shows is the node, and what it does to a pod is healed. */
@RequiresRoot
class AgentSocketIT {
    @TempDir
    Path directory;

    private final CriEventLoops loops = CriEventLoops.open(1);
    private AgentProcess agent;
    private ManagedChannel channel;

    @BeforeEach
    void aNodeWithAPod() throws Exception {
        agent = AgentProcess.start(directory.resolve("node"));
        channel = CriTransport.unixChannel(agent.root().resolve("run/cri.sock"), loops);
        Pods.create(agent, "web", "Always", 1, "trap 'exit 0' TERM; sleep 1000000 & wait");
        agent.awaitReady("web");
    }

    @AfterEach
    void end() throws IOException {
        channel.shutdownNow();
        loops.close();
        agent.close();
    }

    private RuntimeServiceGrpc.RuntimeServiceBlockingStub cri() {
        return RuntimeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    private List<Container> containers() {
        return cri().listContainers(ListContainersRequest.getDefaultInstance()).getContainersList();
    }

    @Test
    void itShowsThePodsOfTheNode() throws Exception {
        JsonNode pod = agent.api().pod("web");

        PodSandbox sandbox =
                cri().listPodSandbox(ListPodSandboxRequest.getDefaultInstance()).getItems(0);
        assertThat(sandbox.getMetadata().getName()).isEqualTo("web");
        assertThat(sandbox.getMetadata().getUid())
                .isEqualTo(pod.at("/metadata/uid").asText());
        assertThat(sandbox.getLabelsMap())
                .containsEntry("io.kubernetes.pod.name", "web")
                .containsEntry("io.kubernetes.pod.namespace", "default");
        assertThat(containers())
                .singleElement()
                .satisfies(container -> assertThat(pod.at("/status/containerStatuses/0/containerID")
                                .asText())
                        .endsWith("://" + container.getId()));
        assertThat(cri().execSync(ExecSyncRequest.newBuilder()
                                .setContainerId(containers().get(0).getId())
                                .addAllCmd(List.of("echo", "answer"))
                                .setTimeout(10)
                                .build())
                        .getStdout()
                        .toStringUtf8())
                .isEqualTo("answer\n");
    }

    @Test
    void aContainerThatSomebodyRemovesIsStartedAgain() throws Exception {
        String before = containers().get(0).getId();

        var unused = cri().removeContainer(RemoveContainerRequest.newBuilder()
                .setContainerId(before)
                .build());

        agent.awaitPod("web", "to have another container", pod -> {
            String id = pod.at("/status/containerStatuses/0/containerID").asText();
            return !id.isEmpty()
                    && !id.endsWith(before)
                    && pod.at("/status/containerStatuses/0/ready").asBoolean();
        });
    }
}
