package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.FilesystemUsage;
import dev.gantry.cri.v1.Image;
import dev.gantry.cri.v1.ImageFilter;
import dev.gantry.cri.v1.ImageFsInfoRequest;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.ImageStatusRequest;
import dev.gantry.cri.v1.ImageStatusResponse;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListImagesRequest;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.RemoveImageRequest;
import dev.gantry.cri.v1.StreamImagesRequest;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.packaging.OciArchive;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.provider.CsvSource;

/** Images: pulled, named, listed and removed. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@ParameterizedClass
@ArgumentsSource(CriServers.class)
record ImagesIT(CriServer cri) {
    @Test
    void aPulledImageIsListedAtOnceAndGoneAfterItsRemoval() throws Exception {
        String name = pushed("images/simple", "simple");

        String id = pull(name);

        Image image = status(name);
        assertThat(image.getId()).isEqualTo(id);
        assertThat(image.getRepoTagsList()).containsExactly(name);
        assertThat(image.getRepoDigestsList())
                .singleElement()
                .asString()
                .matches(cri.registry().host() + "/images/simple@sha256:[0-9a-f]{64}");
        assertThat(image.getSize()).isPositive();
        assertThat(list("")).extracting(Image::getId).contains(id);
        remove(name);
        assertThat(found(name)).isFalse();
        assertThat(list("")).extracting(Image::getId).doesNotContain(id);
    }

    @Test
    void anImageThatIsNotPresentHasAnEmptyStatus() {
        assertThat(found("127.0.0.1:1/never/pulled:1")).isFalse();
    }

    @Test
    void removingWhatIsNotPresentIsNoError() {
        assertThatCode(() -> remove("127.0.0.1:1/never/pulled:1")).doesNotThrowAnyException();
    }

    @Test
    void withoutATagTheTagIsLatest() throws Exception {
        OciArchive image = TestImages.base("latest");
        cri.registry().push("images/untagged", image, "latest");
        String name = cri.registry().host() + "/images/untagged";

        pull(name);

        assertThat(status(name).getRepoTagsList()).containsExactly(name + ":latest");
        remove(name);
    }

    @Test
    void anImageCanBePulledByItsDigest() throws Exception {
        String tagged = pushed("images/digest", "digest");
        pull(tagged);
        String digest = status(tagged).getRepoDigests(0);
        remove(tagged);

        String id = pull(digest);

        Image image = status(digest);
        assertThat(image.getId()).isEqualTo(id);
        assertThat(image.getRepoTagsList()).isEmpty();
        assertThat(image.getRepoDigestsList()).containsExactly(digest);
        remove(digest);
    }

    @Test
    void allKindsOfReferencesLeadToTheSameStatus() throws Exception {
        String name = pushed("images/references", "references");
        pull(name);
        Image image = status(name);

        assertThat(status(image.getId())).isEqualTo(image);
        assertThat(status(image.getRepoDigests(0))).isEqualTo(image);
        assertThat(status(image.getRepoTags(0))).isEqualTo(image);
        remove(image.getId());
        assertThat(found(name)).isFalse();
    }

    @Test
    void tagsOfOneImageAreOneImageAndGoTogether() throws Exception {
        OciArchive image = TestImages.base("tags");
        List<String> names = new ArrayList<>();
        for (String tag : List.of("1", "2", "3")) {
            cri.registry().push("images/tags", image, tag);
            names.add(cri.registry().host() + "/images/tags:" + tag);
        }
        List<String> ids = names.stream().map(this::pull).distinct().toList();

        assertThat(ids).hasSize(1);
        assertThat(status(names.get(0)).getRepoTagsList()).containsExactlyInAnyOrderElementsOf(names);
        remove(cri.has(Feature.ALL_NAMES_GO) ? names.get(1) : ids.get(0));
        assertThat(names).noneMatch(this::found);
        assertThat(list("")).extracting(Image::getId).doesNotContain(ids.get(0));
    }

    @Test
    void oneImageOfTwoRepositoriesIsOneImage() throws Exception {
        OciArchive image = TestImages.base("repositories");
        cri.registry().push("images/here", image, "1");
        cri.registry().push("images/there", image, "1");
        String here = cri.registry().reference("images/here");
        String there = cri.registry().reference("images/there");

        String id = pull(here);
        assertThat(pull(there)).isEqualTo(id);
        assertThat(status(here).getRepoTagsList()).containsExactlyInAnyOrder(here, there);
        assertThat(status(here).getRepoDigestsList()).hasSize(2);
        remove(cri.has(Feature.ALL_NAMES_GO) ? here : id);
        assertThat(found(there)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "'', 0, ''",
        "1002, 1002, ''",
        "1003:1004, 1003, ''",
        "www-data, 0, www-data",
        "www-data:1004, 0, www-data"
    })
    void theUserOfAnImageIsANumberOrAName(String user, long uid, String userName) throws Exception {
        String repository = "images/user" + (user == null ? "" : user.replaceAll("[^a-z0-9]", ""));
        cri.registry().push(repository, TestImages.base("user", user == null ? "" : user), "1");
        String name = cri.registry().reference(repository);
        pull(name);

        assertThat(status(name).getUid().getValue()).isEqualTo(uid);
        assertThat(status(name).getUsername()).isEqualTo(userName == null ? "" : userName);
        remove(name);
    }

    @Test
    void aFilterNamesOneImage() throws Exception {
        cri.requires(Feature.IMAGE_FILTER);
        assertThat(list("127.0.0.1:1/never/pulled:1")).isEmpty();
        String name = pushed("images/filter", "filter");
        pull(name);

        assertThat(list(name))
                .extracting(Image::getId)
                .containsExactly(status(name).getId());
        assertThat(list("")).hasSizeGreaterThan(1);
        remove(name);
    }

    @Test
    void aStreamedListIsTheList() {
        cri.requires(Feature.STREAMED_LISTS);
        List<Image> streamed = new ArrayList<>();
        cri.images()
                .streamImages(StreamImagesRequest.getDefaultInstance())
                .forEachRemaining(part -> streamed.addAll(part.getImagesList()));

        assertThat(streamed).isNotEmpty().isEqualTo(list(""));
    }

    @Test
    void anImageThatTheRegistryDoesNotHaveFailsWithItsName() {
        String name = cri.registry().reference("images/never-pushed");

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> pull(name))
                .withMessageContaining("images/never-pushed");
        assertThat(found(name)).isFalse();
    }

    @Test
    void aPullEndsWhenItsCallersTimeIsOver() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
            silent.setSoTimeout(20_000);
            PullImageRequest request = PullImageRequest.newBuilder()
                    .setImage(spec("127.0.0.1:%d/never/answers:1".formatted(silent.getLocalPort())))
                    .build();

            CompletableFuture<Integer> hungUp = CompletableFuture.supplyAsync(() -> {
                try (Socket registry = silent.accept()) {
                    registry.setSoTimeout(20_000);
                    return registry.getInputStream().readAllBytes().length;
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });

            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() ->
                            cri.images().withDeadlineAfter(1, TimeUnit.SECONDS).pullImage(request))
                    .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED));
            // It has asked, and waits no longer.
            assertThat(hungUp)
                    .succeedsWithin(java.time.Duration.ofSeconds(20))
                    .satisfies(length -> assertThat(length).isPositive());
        }
    }

    @Test
    void aNameThatIsNoneIsRefused() {
        assertThatExceptionOfType(StatusRuntimeException.class).isThrownBy(() -> pull("Not A Name"));
    }

    @Test
    void severalMayRemoveAnImageAtOnce() throws Exception {
        String name = pushed("images/raced", "raced");
        pull(name);

        List<CompletableFuture<Void>> removals = IntStream.range(0, 8)
                .mapToObj(i -> CompletableFuture.runAsync(() -> remove(name)))
                .toList();

        assertThat(CompletableFuture.allOf(removals.toArray(CompletableFuture[]::new)))
                .succeedsWithin(java.time.Duration.ofSeconds(20));
        assertThat(found(name)).isFalse();
    }

    @Test
    void anImageHasOneIdEverywhere() throws Exception {
        cri.requires(Feature.IMAGE_ID);
        try (CriPod pod = CriPod.run(cri)) {
            String container = pod.sleeper("main");
            String id = status(cri.image()).getId();

            assertThat(pull(cri.image())).isEqualTo(id);
            assertThat(pod.status(container).getImageId()).isEqualTo(id);
            assertThat(pod.status(container).getImageRef())
                    .isIn(status(cri.image()).getRepoDigestsList());
            assertThat(cri.runtime()
                            .listContainers(ListContainersRequest.getDefaultInstance())
                            .getContainersList())
                    .filteredOn(item -> item.getId().equals(container))
                    .singleElement()
                    .satisfies(item -> assertThat(item.getImageId()).isEqualTo(id));
        }
    }

    @Test
    void aContainerCanBeMadeByTheIdOfItsImage() {
        try (CriPod pod = CriPod.run(cri)) {
            String id = status(cri.image()).getId();
            String container = pod.sleeper(config ->
                    config.setImage(ImageSpec.newBuilder().setImage(id).setUserSpecifiedImage(cri.image())));

            assertThat(pod.shell(container, "echo here")).isEqualTo("here");
            // What people see of it has a name.
            assertThat(pod.status(container).getImage().getImage()).isEqualTo(cri.image());
        }
    }

    @Test
    void theFileSystemOfImagesIsMeasured() {
        FilesystemUsage usage = cri.images()
                .imageFsInfo(ImageFsInfoRequest.getDefaultInstance())
                .getImageFilesystems(0);

        assertThat(usage.getTimestamp()).isPositive();
        assertThat(usage.getFsId().getMountpoint()).startsWith("/");
        assertThat(usage.hasUsedBytes()).isTrue();
        assertThat(usage.hasInodesUsed()).isTrue();
    }

    private String pushed(String repository, String mark) throws IOException, InterruptedException {
        cri.registry().push(repository, TestImages.base(mark));
        return cri.registry().reference(repository);
    }

    /** Its id; what a pull answers may be another reference. */
    private String pull(String name) {
        PullImageRequest request =
                PullImageRequest.newBuilder().setImage(spec(name)).build();
        return status(cri.images().pullImage(request).getImageRef()).getId();
    }

    private void remove(String name) {
        var unused = cri.images()
                .removeImage(
                        RemoveImageRequest.newBuilder().setImage(spec(name)).build());
    }

    private ImageStatusResponse response(String name) {
        return cri.images()
                .imageStatus(
                        ImageStatusRequest.newBuilder().setImage(spec(name)).build());
    }

    private Image status(String name) {
        assertThat(found(name)).as("image " + name).isTrue();
        return response(name).getImage();
    }

    private boolean found(String name) {
        return response(name).hasImage();
    }

    private List<Image> list(String name) {
        return cri.images()
                .listImages(ListImagesRequest.newBuilder()
                        .setFilter(ImageFilter.newBuilder().setImage(spec(name)))
                        .build())
                .getImagesList();
    }

    private static ImageSpec spec(String name) {
        return ImageSpec.newBuilder().setImage(name).build();
    }
}
