package dev.gantry.images.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Platform;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DocumentTest {
    private static final String SHA = "sha256:" + "ab".repeat(32);

    private static Document parse(String json, String mediaType) throws ImageException {
        byte[] text = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        return Document.parse(text, mediaType, Digest.of(text));
    }

    private static String descriptor(String type, String more) {
        return "{'mediaType':'" + type + "','digest':'" + SHA + "','size':7" + more + "}";
    }

    private static String manifest(String more) {
        return "{'schemaVersion':2,'config':" + descriptor(MediaType.OCI_CONFIG, "") + ",'layers':["
                + descriptor(MediaType.OCI_LAYER + "+gzip", "") + "]" + more + "}";
    }

    private static String entry(char digit, String platform) {
        return "{'mediaType':'" + MediaType.OCI_MANIFEST + "','digest':'sha256:" + ("" + digit).repeat(64)
                + "','size':7" + platform + "}";
    }

    @Test
    void aManifestIsReadWithOrWithoutItsMediaType() throws Exception {
        for (String type : new String[] {"", MediaType.OCI_MANIFEST, MediaType.DOCKER_MANIFEST, "text/plain"}) {
            Document document = parse(manifest(""), type);

            assertThat(document).isInstanceOf(Document.Manifest.class);
            assertThat(((Document.Manifest) document).layerBytes()).isEqualTo(7);
        }
    }

    @Test
    void theFirstEntryOfTheBestPlatformIsChosenAndAttestationsNever() throws Exception {
        Document.Index index = (Document.Index) parse(
                "{'schemaVersion':2,'manifests':["
                        + entry('1', ",'platform':{'os':'unknown','architecture':'unknown'}") + ","
                        + entry('2', ",'platform':{'os':'linux','architecture':'386'}") + ","
                        + entry('3', ",'platform':{'os':'linux','architecture':'amd64'}") + ","
                        + entry('4', ",'platform':{'os':'linux','architecture':'amd64','variant':'v2'}") + ","
                        + entry('5', ",'platform':{'os':'linux','architecture':'amd64','variant':'v2'}") + ","
                        + entry('6', "") + "]}",
                MediaType.OCI_INDEX);

        assertThat(index.candidates(Platform.parse("linux/amd64/v3")).stream()
                        .map(d -> d.digest().hex().charAt(0)))
                .containsExactly('4', '5', '3', '2', '6');
        assertThat(index.candidates(Platform.parse("linux/amd64")).stream()
                        .map(d -> d.digest().hex().charAt(0)))
                .containsExactly('3', '2', '6');
        assertThat(index.platforms()).isEqualTo("linux/386, linux/amd64, linux/amd64/v2");
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "[]|expected an object",
                "{'schemaVersion':2}|field 'config' is missing",
                "{'schemaVersion':3,'config':{},'layers':[]}|expected 2, found 3",
                "{'schemaVersion':'2','config':{}}|expected an integer of 64 bits, found a string",
                "{'manifests':[],'layers':[]}|an index and a manifest at once",
                "{'manifests':[],'config':{}}|an index and a manifest at once",
                "{'manifests':[{'digest':'sha256:../../x','size':1}]}|manifests[0].digest: digest 'sha256:../../x'",
                "{'manifests':[{'digest':'sha256','size':1}]}|is not algorithm:hex",
                "{'manifests':[{'digest':'" + "%" + "','size':-1}]}|size: -1 is not between",
                "{'manifests':{}}|expected a list, found an object",
                "{'manifests':[1]}|manifests[0]: expected an object",
                "{'a':1,'a':2}|Duplicate field",
                "{'a':|not JSON",
                "{}x|not JSON",
            })
    void whatIsNoDocumentIsRefusedWithThePlace(String json, String message) {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> parse(json.replace("%", SHA), ""))
                .withMessageContaining(message)
                .satisfies(e -> assertThat(e.code()).isEqualTo(Code.INVALID_IMAGE));
    }

    @Test
    void aBodyThatContradictsItsDescriptorIsRefused() {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> parse(manifest(",'mediaType':'" + MediaType.OCI_INDEX + "'"), MediaType.OCI_MANIFEST))
                .withMessageContaining("contradicts");
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> parse(manifest(""), MediaType.OCI_INDEX))
                .withMessageContaining("an index without 'manifests'");
    }

    @Test
    void schema1ArtifactsAndForeignLayersAreUnsupportedNotInvalid() {
        for (String json : new String[] {
            "{'schemaVersion':1,'fsLayers':[]}",
            "{'schemaVersion':2,'artifactType':'a/b','config':" + descriptor("application/vnd.oci.empty.v1+json", "")
                    + ",'layers':[]}",
            "{'schemaVersion':2,'config':" + descriptor(MediaType.OCI_CONFIG, "") + ",'layers':["
                    + descriptor(MediaType.OCI_LAYER + "+gzip+encrypted", "") + "]}",
        }) {
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> parse(json, ""))
                    .satisfies(e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED));
        }
    }

    @Test
    void moreLayersThanOverlayStacksAreRefused() {
        String layer = descriptor(MediaType.OCI_LAYER, "");
        String json = "{'schemaVersion':2,'config':" + descriptor(MediaType.OCI_CONFIG, "") + ",'layers':[" + layer
                + ("," + layer).repeat(500) + "]}";

        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> parse(json, ""))
                .withMessageContaining("501 layers");
    }

    @Test
    void deepNestingDoesNotReachTheStack() {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> parse("[".repeat(100_000), ""))
                .satisfies(e -> assertThat(e.code()).isEqualTo(Code.INVALID_IMAGE));
    }
}
