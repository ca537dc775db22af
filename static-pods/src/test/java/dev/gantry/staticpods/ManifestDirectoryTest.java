package dev.gantry.staticpods;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.staticpods.ManifestDirectory.Change;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestDirectoryTest {
    @TempDir
    Path directory;

    private final List<Runnable> timers = new ArrayList<>();
    private final List<ManifestSnapshot> told = new ArrayList<>();
    private final KeptInMemory revisions = new KeptInMemory();
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private long written;

    @Test
    void theFirstListingIsToldEvenIfItIsEmpty() {
        ManifestDirectory watched = watched();

        watched.list();

        assertThat(told).containsExactly(ManifestSnapshot.EMPTY);
    }

    @Test
    void aManifestBecomesAStaticPodOfThisNode() throws IOException {
        write("web.yaml", manifest("web", "nginx"));

        watched().list();

        var pod = last().pods().get(0);
        assertThat(pod.getMetadata().getName()).isEqualTo("web-node-1");
        assertThat(pod.getMetadata().getUid()).matches("[0-9a-f]{32}");
        assertThat(pod.getSpec().getNodeName()).isEqualTo("Node-1");
        assertThat(pod.getMetadata().getAnnotations())
                .containsEntry("kubernetes.io/config.source", "file")
                .containsEntry("kubernetes.io/config.hash", pod.getMetadata().getUid())
                .containsEntry("kubernetes.io/config.seen", "2026-01-01T00:00:00Z");
        assertThat(pod.getSpec().getTolerations()).singleElement().satisfies(toleration -> {
            assertThat(toleration.getOperator()).isEqualTo("Exists");
            assertThat(toleration.getEffect()).isEqualTo("NoExecute");
        });
    }

    @Test
    void aNameThatIsTooLongWithTheNodesIsRefused() throws IOException {
        ManifestDirectory watched = watched();
        write("most.yaml", manifest("a".repeat(246), "nginx"));
        write("web.yaml", manifest("b".repeat(247), "nginx"));

        watched.list();

        assertThat(last().pods())
                .extracting(pod -> pod.getMetadata().getName())
                .containsExactly("a".repeat(246) + "-node-1");
        assertThat(last().problems())
                .flatExtracting(ManifestSnapshot.Problem::errors)
                .extracting(ManifestError::toString)
                .containsExactly(directory.resolve("web.yaml")
                        + ":1:1: metadata.name: must be no more than 253 characters together with '-' and the node's name, and has 254, 6 of them the node's;"
                        + " use at most 246 here, or give the node a shorter name with --hostname-override");
    }

    @Test
    void aCommentChangesNothingAndAnEditChangesTheUid() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();
        String uid = uid();

        write("web.yaml", "# a comment\n" + manifest("web", "nginx"));
        watched.changed("web.yaml", Change.COMPLETE);
        assertThat(told).hasSize(1);

        write("web.yaml", manifest("web", "httpd"));
        watched.changed("web.yaml", Change.COMPLETE);
        assertThat(uid()).isNotEqualTo(uid);
    }

    @Test
    void aBrokenEditKeepsTheLastGoodRevision() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();
        String uid = uid();

        write("web.yaml", manifest("web", "nginx") + "  nonsense: true\n");
        watched.changed("web.yaml", Change.COMPLETE);

        assertThat(uid()).isEqualTo(uid);
        assertThat(last().problems()).singleElement().satisfies(problem -> {
            assertThat(problem.keptUids()).containsExactly(uid);
            assertThat(problem.errors())
                    .extracting(ManifestError::toString)
                    .containsExactly(directory.resolve("web.yaml") + ":9:3: spec.nonsense: unknown field");
        });

        write("web.yaml", manifest("web", "nginx"));
        watched.changed("web.yaml", Change.COMPLETE);
        assertThat(last().problems()).isEmpty();
        assertThat(uid()).isEqualTo(uid);
    }

    @Test
    void anEditThatThisNodeCannotHonourKeepsTheLastGoodRevisionToo() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();
        String uid = uid();

        write("web.yaml", manifest("web", "nginx") + "  hostNetwork: true\n");
        watched.changed("web.yaml", Change.COMPLETE);

        assertThat(uid()).isEqualTo(uid);
        assertThat(last().problems().get(0).errors())
                .extracting(ManifestError::toString)
                .containsExactly(directory.resolve("web.yaml") + ":9:3: spec.hostNetwork: Forbidden: not here");
    }

    @Test
    void anEmptiedFileIsAnErrorAndStopsNothing() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();

        write("web.yaml", "");
        watched.changed("web.yaml", Change.COMPLETE);

        assertThat(last().pods()).hasSize(1);
        assertThat(last().problems().get(0).errors().get(0).message())
                .isEqualTo("holds no pod any more: to stop its pods, remove the file");
    }

    @Test
    void leftoversOfEditorsAndOtherFilesAreNotManifests() throws IOException {
        for (String name : List.of(
                "web.yaml~",
                ".web.yaml.swp",
                "#web.yaml#",
                ".#web.yaml",
                "web.yaml.bak",
                "web.yaml.tmp",
                "4913",
                "README")) {
            write(name, manifest("web", "nginx"));
        }
        Files.createDirectory(directory.resolve("more.yaml"));

        watched().list();

        assertThat(last()).isEqualTo(ManifestSnapshot.EMPTY);
    }

    @Test
    void aFileBeingWrittenIsNotRead() throws IOException {
        ManifestDirectory watched = watched();
        watched.list();

        write("web.yaml", "apiVersion: v1\n");
        watched.changed("web.yaml", Change.CREATED);
        watched.changed("web.yaml", Change.BEING_WRITTEN);
        runTimers();
        watched.list();
        assertThat(told).hasSize(1);

        write("web.yaml", manifest("web", "nginx"));
        watched.changed("web.yaml", Change.COMPLETE);
        assertThat(last().pods()).hasSize(1);
    }

    @Test
    void aFileThatIsLinkedInIsReadAfterAMoment() throws IOException {
        ManifestDirectory watched = watched();
        watched.list();

        write("web.yaml", manifest("web", "nginx"));
        watched.changed("web.yaml", Change.CREATED);
        runTimers();

        assertThat(last().pods()).hasSize(1);
    }

    @Test
    void aSaveThatMovesTheOldFileAwayStopsNothing() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();

        Files.move(directory.resolve("web.yaml"), directory.resolve("web.yaml~"));
        watched.changed("web.yaml", Change.GONE);
        watched.list();
        Files.copy(directory.resolve("web.yaml~"), directory.resolve("web.yaml"), StandardCopyOption.REPLACE_EXISTING);
        watched.changed("web.yaml", Change.COMPLETE);
        runTimers();

        assertThat(told).hasSize(1);
    }

    @Test
    void aRemovedFileIsForgottenAfterAMoment() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();

        Files.delete(directory.resolve("web.yaml"));
        watched.changed("web.yaml", Change.GONE);
        assertThat(last().pods()).hasSize(1);

        runTimers();
        assertThat(last().pods()).isEmpty();
    }

    @Test
    void twoFilesWithOnePodAreAnErrorThatNamesBoth() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();
        String uid = uid();

        write("a-copy.yaml", manifest("web", "httpd"));
        watched.changed("a-copy.yaml", Change.COMPLETE);

        assertThat(uid()).isEqualTo(uid);
        assertThat(last().problems()).singleElement().satisfies(problem -> {
            assertThat(problem.errors().get(0).toString())
                    .startsWith(directory.resolve("a-copy.yaml")
                            + ":1:1: metadata.name: pod default/web-node-1 is already in "
                            + directory.resolve("web.yaml"));
            assertThat(problem.keptUids()).isEmpty();
        });

        Files.delete(directory.resolve("web.yaml"));
        watched.changed("web.yaml", Change.GONE);
        runTimers();
        assertThat(last().problems()).isEmpty();
        assertThat(uid()).isNotEqualTo(uid);
    }

    @Test
    void aLostDirectoryStopsNothing() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();

        Files.delete(directory.resolve("web.yaml"));
        Files.delete(directory);
        watched.list();

        assertThat(last().pods()).hasSize(1);
        assertThat(last().problems().get(0).errors().get(0).toString())
                .contains("cannot list the manifests, their pods go on as they are: no such file or directory");
        Files.createDirectory(directory);
    }

    @Test
    void oneFileCanBeWatchedInsteadOfADirectory() throws IOException {
        write("web.yaml", manifest("web", "nginx"));
        write("api.yaml", manifest("api", "nginx"));

        watched(directory.resolve("web.yaml")).list();

        assertThat(last().pods()).hasSize(1);
    }

    @Test
    void aManifestThatIsBrokenWhenTheNextAgentStartsKeepsItsLastGoodRevision() throws IOException {
        write("web.yaml", manifest("web", "nginx"));
        watched().list();
        String uid = uid();

        write("web.yaml", manifest("web", "nginx") + "  nonsense: true\n");
        watched().list();

        assertThat(uid()).isEqualTo(uid);
        assertThat(last().problems()).singleElement().satisfies(problem -> {
            assertThat(problem.keptUids()).containsExactly(uid);
            assertThat(problem.errors().get(0).toString()).contains("nonsense: unknown field");
        });
    }

    @Test
    void anEmptyOrUnreadableManifestAtTheStartKeepsItsLastGoodRevision() throws IOException {
        write("a.yaml", manifest("a", "nginx"));
        write("b.yaml", manifest("b", "nginx"));
        watched().list();

        write("a.yaml", "");
        Files.delete(directory.resolve("b.yaml"));
        Files.createSymbolicLink(directory.resolve("b.yaml"), Path.of("/dev/null"));
        watched().list();

        assertThat(last().pods()).hasSize(2);
        assertThat(last().problems()).hasSize(2);
        Files.delete(directory.resolve("b.yaml"));
    }

    @Test
    void aManifestThatWasRemovedBetweenTwoAgentsStartsNothing() throws IOException {
        write("web.yaml", manifest("web", "nginx"));
        watched().list();

        Files.delete(directory.resolve("web.yaml"));
        told.clear();
        watched().list();

        assertThat(told).containsExactly(ManifestSnapshot.EMPTY);
        assertThat(revisions.load()).isEmpty();
    }

    @Test
    void aGoodEditBetweenTwoAgentsReplacesTheRevision() throws IOException {
        write("web.yaml", manifest("web", "nginx"));
        watched().list();
        String uid = uid();

        write("web.yaml", manifest("web", "httpd"));
        told.clear();
        watched().list();

        assertThat(told).hasSize(1);
        assertThat(uid()).isNotEqualTo(uid);
        assertThat(last().problems()).isEmpty();
    }

    @Test
    void aRenamedManifestIsNoSecondOne() throws IOException {
        ManifestDirectory watched = watched();
        write("web.yaml", manifest("web", "nginx"));
        watched.list();

        Files.move(directory.resolve("web.yaml"), directory.resolve("shop.yaml"));
        watched.changed("web.yaml", Change.GONE);
        watched.changed("shop.yaml", Change.COMPLETE);
        runTimers();

        assertThat(last().pods()).hasSize(1);
        assertThat(told)
                .hasSize(2)
                .allSatisfy(snapshot -> assertThat(snapshot.problems()).isEmpty());
    }

    @Test
    void aLinkToNothingIsToldUntilItLeadsSomewhere() throws IOException {
        Path target = directory.resolve("web.manifest");
        Files.createSymbolicLink(directory.resolve("web.yaml"), target);
        ManifestDirectory watched = watched();
        watched.list();
        runTimers();
        assertThat(last().pods()).isEmpty();
        assertThat(last().problems().get(0).errors().get(0).toString())
                .isEqualTo(directory.resolve("web.yaml") + ":1:1: is a link to a file that is not there");

        write("web.manifest", manifest("web", "nginx"));
        watched.list();
        assertThat(last().pods()).hasSize(1);
        assertThat(last().problems()).isEmpty();

        Files.delete(target);
        watched.list();
        runTimers();
        assertThat(last().pods()).isEmpty();
        Files.delete(directory.resolve("web.yaml"));
        watched.list();
        runTimers();
        assertThat(last()).isEqualTo(ManifestSnapshot.EMPTY);
    }

    @Test
    void podsOfADirectoryThatCannotBeListedAtTheStartGoOn() throws IOException {
        write("web.yaml", manifest("web", "nginx"));
        watched().list();
        Path away = directory.resolveSibling("away");
        Files.move(directory, away);

        watched().list();
        assertThat(last().pods()).hasSize(1);
        assertThat(last().problems().get(0).errors().get(0).toString()).contains("cannot list the manifests");

        Files.move(away, directory);
    }

    /** What one agent leaves to the next. */
    private static final class KeptInMemory implements KeptRevisions {
        private final Map<String, byte[]> kept = new HashMap<>();

        @Override
        public Map<String, byte[]> load() {
            return Map.copyOf(kept);
        }

        @Override
        public void keep(String file, byte[] content) {
            kept.put(file, content.clone());
        }

        @Override
        public void forget(String file) {
            kept.remove(file);
        }
    }

    private ManifestDirectory watched() {
        return watched(directory);
    }

    private ManifestDirectory watched(Path path) {
        ManifestNode node = new ManifestNode(
                "Node-1",
                pod -> Boolean.TRUE.equals(pod.getSpec().getHostNetwork())
                        ? List.of(FieldError.forbidden("spec.hostNetwork", "not here"))
                        : List.of());
        return new ManifestDirectory(path, node, revisions, () -> now, (delay, task) -> timers.add(task), told::add);
    }

    private void runTimers() {
        List<Runnable> due = List.copyOf(timers);
        timers.clear();
        now = now.plusSeconds(1);
        due.forEach(Runnable::run);
    }

    private ManifestSnapshot last() {
        return told.get(told.size() - 1);
    }

    private String uid() {
        return last().pods().get(0).getMetadata().getUid();
    }

    private void write(String name, String text) throws IOException {
        Path file = directory.resolve(name);
        Files.writeString(file, text);
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000 + 1000 * written++));
    }

    private static String manifest(String name, String image) {
        return """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: %s
                spec:
                  containers:
                  - name: main
                    image: %s
                """.formatted(name, image);
    }
}
