import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.gateway.SqlGateway;

/** Turns a folder with a config.yaml into a Flink in one process: JobManager, TaskManager and SQL Gateway. */
public class Cluster {
    public static void main(String[] arguments) {
        try {
            start(GlobalConfiguration.loadConfiguration());
            SqlGateway.main(arguments);
        } catch (Throwable error) {
            error.printStackTrace();
            Runtime.getRuntime().halt(1); // threads that were started would go on
        }
    }

    private static void start(Configuration settings) throws Exception {
        FileSystem.initialize(settings, null);
        Integer slots = (Integer) settings.get(TaskManagerOptions.NUM_TASK_SLOTS);
        MiniClusterConfiguration described =
                new MiniClusterConfiguration.Builder()
                        .setConfiguration(settings)
                        .setNumTaskManagers(1)
                        .setNumSlotsPerTaskManager(slots.intValue())
                        .build();
        new MiniCluster(described).start();
    }
}
