package dev.gantry.images.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ConfigFileTest {
    private static ConfigFile parse(String json) throws ImageException {
        byte[] text = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        return ConfigFile.parse(text, Digest.of(text));
    }

    @Test
    void allThatContainersNeedIsRead() throws Exception {
        ConfigFile file = parse("{'architecture':'amd64','os':'linux','created':'2024-01-01T00:00:00Z','config':{"
                + "'User':'1000:5','Env':['A=b'],'Entrypoint':['/e','x'],'Cmd':null,'WorkingDir':'/w',"
                + "'StopSignal':'SIGQUIT','Volumes':{'/data':{}},'ExposedPorts':{'80/tcp':{}},'Labels':{'k':'v'},"
                + "'Unknown':[1,2,{'x':null}]},'rootfs':{'type':'layers','diff_ids':[]},'history':[]}");

        assertThat(file.config().user()).isEqualTo("1000:5");
        assertThat(file.config().env()).containsExactly("A=b");
        assertThat(file.config().entrypoint()).containsExactly("/e", "x");
        assertThat(file.config().cmd()).isEmpty();
        assertThat(file.config().workingDir()).isEqualTo("/w");
        assertThat(file.config().stopSignal()).isEqualTo("SIGQUIT");
        assertThat(file.config().volumes()).containsExactly("/data");
        assertThat(file.config().exposedPorts()).containsExactly("80/tcp");
        assertThat(file.config().labels()).containsEntry("k", "v");
        assertThat(file.config().platform()).hasToString("linux/amd64");
    }

    /** The example of the image specification, computed by hand. */
    @Test
    void aChainIdNamesALayerWithAllBelowIt() throws Exception {
        Digest first = Digest.of("a".getBytes(StandardCharsets.UTF_8));
        Digest second = Digest.of("b".getBytes(StandardCharsets.UTF_8));

        ConfigFile file = parse("{'rootfs':{'diff_ids':['" + first + "','" + second + "']}}");

        assertThat(file.chainIds())
                .containsExactly(first, Digest.of((first + " " + second).getBytes(StandardCharsets.US_ASCII)));
    }

    @Test
    void wrongTypesNameTheirField() {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> parse("{'rootfs':{'diff_ids':['sha256:1']}}"))
                .withMessageContaining("rootfs.diff_ids[0]");
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> parse("{'rootfs':{},'config':{'Env':['A=b',1]}}"))
                .withMessageContaining("config.Env[1]: expected a string");
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> parse("{}"))
                .withMessageContaining("field 'rootfs' is missing");
    }
}
